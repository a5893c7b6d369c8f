/* One verdict → the stages its event went through, and the one that ended it; pure functions. */
(function (o) {
  "use strict";

  const TITLES = {
    source: "Segment event",
    between: "Before the mappings",
    trigger: "Trigger",
    mapping: "Mapping",
    payload: "Payload",
    datafile: "Datafile",
    request: "Request",
    received: "Received",
    attribution: "Attribution",
    verdict: "Verdict",
  };
  const ENDS = {
    suppressed_user: "source",
    blocked_by_schema: "between",
    consent_refused: "between",
    filtered: "between",
    not_subscribed: "trigger",
    invalid_payload: "payload",
    datafile_unavailable: "datafile",
    project_deactivated: "datafile",
    unmatched_event_key: "datafile",
    delivery_failed: "request",
    wrong_account: "received",
    no_experiment: "attribution",
    experiment_not_running: "attribution",
    unidentified_user: "attribution",
    user_not_activated: "attribution",
    activated_too_late: "attribution",
    excluded: "attribution",
    counted: "verdict",
  };

  const STAGES = {
    schema: "Schema controls",
    source_transformations: "Transformations of the source",
    consent: "Consent",
    integrations: "Integrations object",
    schema_filter: "Schema integration filter",
    destination_filters: "Destination filters",
    destination_transformations: "Transformations for this destination",
  };

  /** What Segment's stages before the mappings did; none where nothing is configured. */
  const between = (delivery) => (delivery && delivery.stages) || [];
  const requestsTo = (delivery, to) => ((delivery && delivery.requests) || []).filter((one) => one.to === to);

  /** The stage that ended the event. A duplicate ends in Segment, or, when it was sent all the same, at Optimizely. */
  function endOf(verdict) {
    const delivery = verdict.delivery;
    if (verdict.outcome === "duplicate") return delivery && delivery.outcome === "duplicate" ? "source" : "received";
    if (verdict.outcome === "not_subscribed" && between(delivery).some((one) => one.result === "ended"))
      return "between";
    return ENDS[verdict.outcome] || "verdict";
  }

  const status = (one) => one.error || [one.status, one.reason].filter(Boolean).join(" ") || "no answer";

  function answers(requests, none) {
    if (!requests.length) return none;
    const last = requests[requests.length - 1];
    const times = requests.length > 1 ? `${o.words.plural(requests.length, "attempt")}, last: ` : "";
    return `${times}${last.method || ""} answered ${status(last)}`.trim();
  }

  const LINES = {
    source(verdict, delivery) {
      const type = (delivery && delivery.type) || "track";
      const who = verdict.user_id
        ? `user ${verdict.user_id}`
        : verdict.anonymous_id
          ? `anonymous ${verdict.anonymous_id}`
          : "nobody named";
      return `${type}${verdict.event ? ` “${verdict.event}”` : ""} by ${who}`;
    },
    between(verdict, delivery) {
      const all = between(delivery);
      const last = all.find((one) => one.result === "ended");
      if (last) return `${STAGES[last.stage] || last.stage}: ${last.code || "dropped"}`;
      const changed = all.filter((one) => one.result === "changed").map((one) => STAGES[one.stage] || one.stage);
      return changed.length ? `changed by ${changed.join(", ").toLowerCase()}` : "passed unchanged";
    },
    trigger(verdict, delivery) {
      const seen = (delivery && delivery.mappings) || [];
      const matched = seen.filter((one) => one.matched).length;
      if (!seen.length) return (delivery && delivery.trigger) || "no mapping was looked at";
      return `${matched} of ${o.words.plural(seen.length, "mapping")} matched`;
    },
    mapping: (verdict, delivery) =>
      delivery && delivery.mapping ? `by “${delivery.mapping}”` : "the fields of the event become a payload",
    payload(verdict, delivery) {
      if (delivery && delivery.error && verdict.outcome === "invalid_payload") return delivery.error.message;
      const payload = delivery && delivery.payload;
      return payload ? o.words.plural(Object.keys(payload).length, "field") : "no payload was built";
    },
    datafile: (verdict, delivery) =>
      verdict.outcome === "unmatched_event_key"
        ? `no event has the key “${(delivery && delivery.event_key) || verdict.event}”`
        : answers(requestsTo(delivery, "datafile"), "not fetched"),
    request: (verdict, delivery) => answers(requestsTo(delivery, "events"), "nothing was sent"),
    received: (verdict) =>
      verdict.preview
        ? "would be recorded"
        : typeof verdict.event_number === "number"
          ? `recorded as event ${verdict.event_number}`
          : "not in the journal",
    attribution(verdict) {
      const to = verdict.attributed_to || [];
      return to.length ? to.map((one) => `${one.experiment} › ${one.variation}`).join(", ") : "to no variation";
    },
    verdict: (verdict) => o.words.outcome(verdict.outcome).label,
  };

  /** Verdict → [{id, title, state, line}]; state: passed, ended, done (counted), unreached, skipped (an SDK sent it). */
  function stages(verdict) {
    if (verdict.kind === "deletion") return deletion(verdict);
    const delivery = verdict.delivery || null;
    const end = endOf(verdict);
    const ids = Object.keys(TITLES).filter((id) => id !== "between" || end === id || between(delivery).length > 0);
    const stop = ids.indexOf(end);
    return ids.map((id, i) => {
      const segment = i < ids.indexOf("received");
      let state = i < stop ? "passed" : i > stop ? "unreached" : verdict.outcome === "counted" ? "done" : "ended";
      if (!delivery && segment) state = "skipped";
      if (id === "verdict" && state === "unreached") state = "verdict";
      const line =
        state === "skipped"
          ? "does not apply: an SDK sent this conversion"
          : state === "unreached"
            ? "not reached"
            : LINES[id](verdict, delivery);
      return { id, title: TITLES[id], state, line };
    });
  }

  /** A deletion's way is short: Segment's event, the request it became, and whom that request names. */
  function deletion(verdict) {
    const delivery = verdict.delivery || {};
    const sent = requestsTo(delivery, "privacy");
    const reached = delivery.outcome === "deleted";
    const last = sent[sent.length - 1];
    const named = last && last.json && last.json.identifier;
    return [
      {
        id: "source",
        title: TITLES.source,
        state: "passed",
        line: `delete of user ${verdict.user_id || "nobody named"}`,
      },
      {
        id: "privacy",
        title: TITLES.request,
        state: reached ? "passed" : "ended",
        line: answers(sent, (delivery.error && delivery.error.message) || "nothing was sent"),
      },
      {
        id: "named",
        title: "Whom it names",
        state: named === undefined ? "unreached" : named === verdict.user_id ? "done" : "noted",
        line:
          named === undefined || named === null
            ? "no identifier was sent"
            : `${last.json.identifier_type || "identifier"} “${named}”`,
      },
    ];
  }

  o.journey = { stages, endOf, requestsTo, between, STAGES };
})((globalThis.optilocal = globalThis.optilocal || {}));
