/* The journey of one event: from Segment to its verdict, stopping at the stage that ended it, and what to change. */
(function (o) {
  "use strict";

  const MARKS = { passed: "good", done: "good", ended: "bad", verdict: "idle", unreached: "idle", skipped: "idle", noted: "warn" };
  const SAID = { passed: "passed", done: "", noted: "not the user", ended: "ended here", verdict: "", unreached: "not reached", skipped: "does not apply" };

  /** The verdicts under this id: a source event's messageId, or the uuid of a conversion that an SDK sent. */
  async function find(id, ns, signal) {
    const asked = { ns, order: "newest", limit: 20 };
    const byMessage = await o.source.get("verdicts", { ...asked, message_id: id }, { signal });
    if (byMessage.verdicts.length || o.source.kind === "report") return byMessage;
    return o.source.get("verdicts", { ...asked, uuid: id }, { signal });
  }

  /** What else the journal knows of it: the conversion's row and the visitor's decisions; null where nothing can be asked. */
  async function surroundings(verdict, signal) {
    if (o.source.kind !== "live" || verdict.kind === "deletion" || !verdict.visitor_id) return { decisions: null, row: null, names: new Map() };
    const ask = (params) => o.source.get("events", { ns: verdict.namespace, visitor_id: verdict.visitor_id, ...params }, { signal });
    const decisions = (await ask({ kind: "decision", limit: 50 })).events;
    const names = await namesOf(verdict.namespace, signal);
    if (typeof verdict.event_number !== "number") return { decisions, row: null, names };
    const near = (await o.source.get("events", { ns: verdict.namespace, after: verdict.event_number - 1, limit: 1 }, { signal })).events;
    return { decisions, row: near.find((one) => one.number === verdict.event_number) || null, names };
  }

  /** Ids of experiments and variations → their keys, as the namespace's newest datafile has them. */
  async function namesOf(ns, signal) {
    const { experiments } = await o.source.get("results", { ns }, { signal });
    const names = new Map();
    for (const [key, one] of Object.entries(experiments)) {
      names.set(one.id, key);
      for (const [variation, each] of Object.entries(one.variations)) names.set(each.id, variation);
    }
    return names;
  }

  const answer = (value) => (value === true ? ["good", "Yes"] : value === false ? ["bad", "No"] : ["idle", "Not reached"]);

  function conditions(verdict) {
    const given = verdict.conditions || {};
    return o.h("section", { class: "conditions", "aria-labelledby": "conditions-title" },
      o.h("h2", { id: "conditions-title" }, "The four conditions"),
      o.h("ul", {}, o.words.CONDITIONS.map(([name, label, hint]) => {
        const sdk = name === "user_identified" && given[name] === null && !verdict.delivery;
        const [tone, word] = sdk ? ["idle", "Does not apply"] : answer(given[name]);
        return o.h("li", { class: "tone-" + tone, "data-condition": name }, o.icon(tone),
          o.h("div", {}, o.h("p", { class: "condition" }, o.h("span", {}, label), o.h("strong", {}, word)), o.h("p", { class: "quiet" }, hint)));
      })));
  }

  function warnings(verdict) {
    const all = verdict.warnings || [];
    if (!all.length) return null;
    return o.h("section", { class: "warnings", "aria-labelledby": "warnings-title" },
      o.h("h2", { id: "warnings-title" }, "Worth knowing"),
      o.h("ul", {}, all.map((one) => o.h("li", {}, o.icon("warn"), o.h("div", {}, o.h("p", {}, one.message), o.h("p", { class: "quiet mono" }, one.code))))));
  }

  function banner(verdict) {
    const { tone, label } = o.words.outcome(verdict.outcome);
    const counted = verdict.outcome === "counted";
    const deletion = verdict.kind === "deletion";
    const says = deletion ? "Deletion" : counted ? "Counted" : "Not counted";
    return o.h("section", { class: `verdict-banner tone-${tone}`, "aria-label": "Verdict" },
      o.h("p", { class: "verdict-word" }, o.icon(tone), o.h("strong", {}, says), !counted && !deletion && o.h("span", {}, label), verdict.outcome && o.h("code", { class: "quiet" }, verdict.outcome)),
      o.h("p", { class: "explanation" }, verdict.explanation),
      !counted && verdict.remedy && o.h("div", { class: "remedy" }, o.h("h2", {}, deletion ? "What to know" : "What to change"), o.h("p", {}, verdict.remedy)),
      counted && (verdict.attributed_to || []).length > 0 && o.h("ul", { class: "attributed" }, verdict.attributed_to.map((one) =>
        o.h("li", {}, o.h("a", { href: o.route.format({ page: "experiments", parts: [one.experiment], params: { ns: verdict.namespace } }) }, one.experiment), " › ", o.h("strong", {}, one.variation)))));
  }

  function strip(stages) {
    return o.h("nav", { class: "stage-strip", "aria-label": "Stages" }, o.h("ol", {}, stages.map((stage) =>
      o.h("li", { class: "is-" + stage.state }, o.h("button", {
        type: "button", on: { click: () => {
          const target = document.getElementById("stage-" + stage.id);
          target.scrollIntoView({ block: "start" });
          target.querySelector("h3").focus({ preventScroll: true });
        } },
      }, o.h("span", { class: "node" }, o.icon(MARKS[stage.state])), o.h("span", { class: "stage-name" }, stage.title), o.h("span", { class: "visually-hidden" }, " " + SAID[stage.state]))))));
  }

  /** A stage that ended or settled the event shows all it has; the others fold it away. */
  function stageDetails(stage, verdict, around) {
    const body = o.append(o.h("div", { class: "stage-body" }), [o.stageBody(stage.id, verdict, around)]);
    if (!body.hasChildNodes()) return o.h("p", { class: "stage-line" }, stage.line);
    const decisive = ["ended", "noted"].includes(stage.state) || stage.id === "attribution";
    if (decisive) return [o.h("p", { class: "stage-line" }, stage.line), body];
    return o.keep("stage-" + stage.id, stage.line, () => body);
  }

  function path(verdict, stages, around) {
    return o.h("ol", { class: "path" }, stages.map((stage) => {
      const open = stage.state !== "unreached" && stage.state !== "skipped";
      return o.h("li", { class: "is-" + stage.state, id: "stage-" + stage.id, "data-stage": stage.id, "data-state": stage.state },
        o.h("div", { class: "node", "aria-hidden": "true" }, o.icon(MARKS[stage.state])),
        o.h("div", { class: "stage" },
          o.h("h3", { tabindex: "-1" }, stage.title, SAID[stage.state] && o.h("span", { class: "stage-state" }, SAID[stage.state])),
          open && stageDetails(stage, verdict, around)),
        stage.state === "ended" && o.h("p", { class: "stop", role: "note" }, "The event went no further."));
    }));
  }

  function others(found, verdict) {
    if (found.length < 2) return null;
    return o.h("p", { class: "callout" }, o.icon("idle"), o.h("span", {}, `${found.length} events bear this id: `, found.map((one, i) => [
      i ? ", " : "", one === verdict ? o.h("strong", {}, `${one.namespace} ${one.number}`)
        : o.h("a", { href: o.route.format({ page: "event", parts: [o.current.parts[0]], params: { ns: one.namespace, n: one.number } }) }, `${one.namespace} ${one.number}`)])));
  }

  async function event(page) {
    const id = page.route.parts.join("/");
    page.title(`Event ${id}`);
    const { verdicts, last } = await find(id, o.shell.ns(), page.signal);
    const verdict = verdicts.find((one) => String(one.number) === page.route.params.n) || verdicts[0];
    if (!verdict) {
      page.show(o.h("h1", {}, "No event with this id"), o.empty(id, "Nothing reported an event with this message id in the namespace that is chosen; the page shows it as soon as one arrives. To look for it by name:", null),
        o.h("p", {}, o.h("a", { href: o.route.format({ page: "events", params: { q: o.filter.format([{ field: "text", value: id }]) } }) }, "Search all events")));
      page.live("verdicts", { ns: o.shell.ns() }, last, o.reload);
      return;
    }
    const around = await surroundings(verdict, page.signal);
    const stages = o.journey.stages(verdict);
    const name = verdict.event || (verdict.kind === "deletion" ? `Deletion of ${verdict.user_id || "a user"}` : "Event");
    page.title(name);
    page.show(
      o.h("a", { class: "back", "data-back": true, "data-key": "Escape", href: o.href("events") }, "All events"),
      o.h("div", { class: "title-row" }, o.h("h1", {}, name),
        o.meta(o.h("code", { class: "id" }, verdict.message_id || id), verdict.visitor_id && ["visitor ", o.h("code", {}, verdict.visitor_id)],
          o.time(verdict.timestamp), `namespace ${verdict.namespace}`)),
      others(verdicts, verdict),
      o.h("div", { class: "journey" },
        o.h("div", { class: "journey-top" }, banner(verdict), strip(stages)),
        o.h("aside", { class: "journey-side", "aria-label": "Conditions and warnings" },
          verdict.kind === "deletion" ? null : conditions(verdict), warnings(verdict),
          o.h("div", { class: "actions" }, o.copy("Copy link", () => location.href.split("#")[0] + o.route.format({ page: "event", parts: [id], params: { ns: verdict.namespace } }), { "data-key": "c" }),
            o.copy("Copy as text", () => o.texts.verdict(verdict)), o.jsonLink("verdicts", { ns: verdict.namespace, message_id: verdict.message_id }))),
        o.h("section", { class: "journey-path", "aria-labelledby": "path-title" }, o.h("h2", { id: "path-title" }, verdict.kind === "deletion" ? "What happened" : "Its journey"), path(verdict, stages, around))));
    page.live("exchanges", { ns: verdict.namespace }, await newest(verdict.namespace, page.signal), o.reload);
  }

  /** Where the namespace's exchanges end now: what comes after may change the verdict. */
  async function newest(ns, signal) {
    if (o.source.kind !== "live") return null;
    return (await o.source.get("exchanges", { ns, after: Number.MAX_SAFE_INTEGER, limit: 1 }, { signal })).last;
  }

  o.views = o.views || {};
  o.views.event = event;
})((globalThis.optilocal = globalThis.optilocal || {}));
