/* What each stage of a journey has to show: the event, triggers, payload, requests, attempts, decisions. */
(function (o) {
  "use strict";

  const yes = (value) => o.badge(value ? "good" : "idle", value ? "Matched" : "No match");

  /** A key with its spaces kept visible and the letters marked that `other` does not have there. */
  function keyMarked(key, other) {
    const shown = (text) => text.replace(/ /g, "\u00a0");
    const pieces = key.length * other.length > 40000 ? [{ text: key, same: true }] : o.words.apart(key, other);
    const marked = pieces.map(({ text, same }) => (same ? shown(text) : o.h("mark", {}, shown(text))));
    return o.h("code", { class: "key" }, marked);
  }

  function values(object) {
    return o.h(
      "dl",
      { class: "facts" },
      Object.entries(object || {}).map(([name, value]) =>
        o.h("div", {}, o.h("dt", {}, name), o.h("dd", {}, o.h("code", {}, o.diff.show(value)))),
      ),
    );
  }

  const sayings = (list) =>
    list &&
    list.length > 0 &&
    o.h(
      "ul",
      { class: "sayings" },
      list.map((one) => o.h("li", {}, one)),
    );

  function request(one) {
    return o.facts([
      ["Asked", o.h("code", {}, `${one.method} ${one.url}`)],
      ["Sent to", one.sent_to && one.sent_to !== one.url && o.h("code", {}, one.sent_to)],
      [
        "Answer",
        one.error
          ? o.badge("bad", one.error)
          : o.badge(one.status < 400 ? "good" : "bad", [one.status, one.reason].filter(Boolean).join(" ")),
      ],
      ["Body of the answer", one.response && one.to !== "datafile" ? o.h("code", {}, one.response) : null],
      ["At", typeof one.at === "number" ? o.time(one.at) : null],
    ]);
  }

  function attempts(delivery) {
    const all = delivery.attempts || [];
    if (all.length < 2 && !(all[0] && all[0].retry_at)) return null;
    return o.table(
      "Attempts",
      [
        { label: "Attempt", class: "num" },
        { label: "At" },
        { label: "Outcome" },
        { label: "Error" },
        { label: "Next" },
      ],
      all.map((one) => [
        String(one.number),
        o.time(one.at),
        o.words.sentence(one.outcome || ""),
        one.error ? one.error.message || String(one.error) : "–",
        one.retry_at ? [o.time(one.retry_at), ` (${o.words.duration(one.retry_at - one.at)} later)`] : "–",
      ]),
    );
  }

  const BODIES = {
    source(verdict, delivery) {
      return [
        o.facts([
          ["messageId", verdict.message_id && o.h("code", {}, verdict.message_id)],
          ["userId", verdict.user_id && o.h("code", {}, verdict.user_id)],
          ["anonymousId", verdict.anonymous_id && o.h("code", {}, verdict.anonymous_id)],
          ["Event's time", typeof verdict.timestamp === "number" ? o.time(verdict.timestamp) : null],
          [
            "Received by Segment",
            delivery && typeof delivery.received_at === "number" ? o.time(delivery.received_at) : null,
          ],
        ]),
        delivery &&
          delivery.source_event &&
          o.keep("source-event", "The event as Segment got it", () => o.json(delivery.source_event, "Source event")),
      ];
    },
    between(verdict, delivery) {
      const tones = { ended: "bad", changed: "idle", passed: "good" };
      const all = o.journey.between(delivery);
      if (!all.length) return sayings(verdict.details);
      return [
        o.table(
          "Stages before the mappings",
          [{ label: "Stage" }, { label: "Result" }, { label: "What it did" }],
          all.map((one) => [
            o.journey.STAGES[one.stage] || one.stage,
            o.badge(tones[one.result] || "idle", o.words.sentence(one.result || "")),
            sayings([...(one.details || []), ...(one.code ? [`Segment's code: ${one.code}`] : [])]) || "–",
          ]),
        ),
        delivery.mapped_event &&
          o.keep("mapped-event", "The event as the mappings get it", () => o.json(delivery.mapped_event, "Event")),
      ];
    },
    trigger(verdict, delivery) {
      const all = (delivery && delivery.mappings) || [];
      if (!all.length) return delivery && delivery.trigger && o.facts([["Trigger", o.h("code", {}, delivery.trigger)]]);
      return o.table(
        "Mappings",
        [{ label: "Mapping" }, { label: "Trigger" }, { label: "Matched" }],
        all.map((one) => [
          one.name,
          o.h("code", {}, one.trigger),
          one.enabled === false ? o.badge("idle", "Disabled") : yes(one.matched),
        ]),
      );
    },
    mapping(verdict, delivery) {
      return (
        delivery &&
        o.facts([
          ["Mapping", delivery.mapping],
          ["Trigger", delivery.trigger && o.h("code", {}, delivery.trigger)],
        ])
      );
    },
    payload(verdict, delivery) {
      if (!delivery) return null;
      const told = verdict.details && verdict.details.length ? verdict.details : delivery.details || [];
      const said = delivery.error && delivery.error.message;
      return [
        verdict.outcome === "invalid_payload" && sayings(told.filter((one) => told.length > 1 || one !== said)),
        delivery.payload && values(delivery.payload),
      ];
    },
    datafile(verdict, delivery) {
      const asked = o.journey.requestsTo(delivery, "datafile");
      const sent = (delivery && delivery.event_key) || verdict.event;
      const near = verdict.nearest || [];
      return [
        verdict.outcome === "unmatched_event_key" &&
          near.length > 0 &&
          typeof sent === "string" &&
          o.h(
            "div",
            { class: "nearest" },
            o.h("p", {}, "Sent ", keyMarked(sent, near[0])),
            o.h(
              "p",
              {},
              near.length > 1 ? "Closest in the datafile " : "In the datafile ",
              near.map((key, i) => [i ? ", " : "", keyMarked(key, sent)]),
            ),
          ),
        asked.length > 0 && request(asked[asked.length - 1]),
      ];
    },
    request(verdict, delivery) {
      const sent = o.journey.requestsTo(delivery, "events");
      if (!sent.length) return delivery && delivery.error && sayings([delivery.error.message]);
      const last = sent[sent.length - 1];
      return [
        attempts(delivery),
        request(last),
        last.json && o.keep("sent", "The event batch that was sent", () => o.json(last.json, "Event batch")),
      ];
    },
    privacy(verdict, delivery) {
      const sent = o.journey.requestsTo(delivery, "privacy");
      if (!sent.length) return null;
      const last = sent[sent.length - 1];
      return [request(last), last.json && values(last.json)];
    },
    named(verdict, delivery) {
      const sent = o.journey.requestsTo(delivery, "privacy");
      const { identifier, identifier_type: type } = (sent.length && sent[sent.length - 1].json) || {};
      return o.facts([
        ["Asked to erase", ["user ", o.h("code", {}, o.diff.show(verdict.user_id))]],
        ["The request names", [`${type || "nobody"} `, o.h("code", {}, o.diff.show(identifier))]],
      ]);
    },
    received(verdict, delivery, { row }) {
      if (!row) return null;
      return [
        row.problems &&
          row.problems.length > 0 &&
          o.h(
            "ul",
            { class: "sayings" },
            row.problems.map((one) => o.h("li", {}, one.message)),
          ),
        o.facts([
          ["Key", o.h("code", {}, row.key)],
          ["uuid", o.h("code", {}, row.uuid)],
          [
            "Revenue",
            typeof row.revenue === "number"
              ? `${o.words.money(row.revenue)} (${o.words.number(row.revenue)} cents)`
              : null,
          ],
          ["Value", typeof row.value === "number" ? o.words.number(row.value) : null],
          ["Event's time", o.time(row.timestamp)],
          ["Received", o.time(row.received_at)],
          [
            "Exchange",
            o.h(
              "a",
              { href: o.route.format({ page: "exchanges", parts: [row.namespace, row.exchange] }) },
              `number ${row.exchange}`,
            ),
          ],
        ]),
      ];
    },
    attribution(verdict, delivery, { decisions, names }) {
      return [
        sayings(verdict.details),
        decisions &&
          (decisions.length
            ? o.table(
                `Decisions of ${verdict.visitor_id}`,
                [{ label: "Experiment" }, { label: "Variation" }, { label: "Decided" }, { label: "Against the event" }],
                decisions.map((one) => [
                  names.get(one.experiment_id) || one.experiment_id || o.words.sentence(one.rule_type || "–"),
                  names.get(one.variation_id) || one.variation_id || "–",
                  o.time(one.timestamp),
                  against(one.timestamp, verdict.timestamp),
                ]),
              )
            : !(verdict.details || []).length &&
              o.h("p", {}, "The visitor ", o.h("code", {}, verdict.visitor_id), " has no decision at all.")),
      ];
    },
    verdict: (verdict) => verdict.outcome === "counted" && sayings(verdict.details),
  };

  function against(decided, event) {
    if (typeof decided !== "number" || typeof event !== "number") return "–";
    if (decided === event) return "the same moment";
    return decided < event
      ? `${o.words.duration(event - decided)} before`
      : o.badge("bad", `${o.words.duration(decided - event)} after`);
  }

  o.stageBody = (id, verdict, around) => (BODIES[id] ? BODIES[id](verdict, verdict.delivery || null, around) : null);
})((globalThis.optilocal = globalThis.optilocal || {}));
