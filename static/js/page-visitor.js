/* One visitor: its decisions and events on one line of time. */
(function (o) {
  "use strict";

  const MOST = 500;

  /** Decisions and verdicts in order of time, each {at, kind, node}. */
  function moments(decisions, verdicts, names) {
    const decided = decisions.map((one) => {
      const what =
        names.get(one.experiment_id) ||
        one.rule_key ||
        one.experiment_id ||
        o.words.sentence(one.rule_type || "a flag");
      const shown = names.get(one.variation_id) || one.variation_key || one.variation_id || "–";
      return {
        at: one.timestamp,
        order: 0,
        tone: one.problems.length ? "warn" : "idle",
        kind: "Decision",
        text: [o.h("strong", {}, what), ` › ${shown}`],
        link: o.h(
          "a",
          { href: o.route.format({ page: "exchanges", parts: [one.namespace, one.exchange] }) },
          "exchange",
        ),
      };
    });
    const told = verdicts.map((one) => ({
      at: one.timestamp,
      order: 1,
      tone: o.words.isConversion(one) ? o.words.outcome(one.outcome).tone : "idle",
      kind: o.words.isConversion(one) ? o.words.outcome(one.outcome).label : "No conversion",
      text: [o.h("strong", {}, o.words.eventName(one)), o.h("span", { class: "quiet" }, ` ${o.words.why(one)}`)],
      link: o.h(
        "a",
        { href: o.route.ofEvent(one) },
        "journey",
      ),
    }));
    return [...decided, ...told].sort((a, b) => (a.at || 0) - (b.at || 0) || a.order - b.order);
  }

  async function visitor(page) {
    const id = page.route.parts.join("/");
    page.title(`Visitor ${id}`);
    const ns = page.route.params.ns || "*";
    const ask = (path, params) =>
      o.source.get(path, { ns, visitor_id: id, order: "newest", limit: MOST, ...params }, { signal: page.signal });
    const slot = o.h("div", { class: "form" });
    page.show(
      o.shell.back("events", "All events"),
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, "Visitor ", o.h("code", {}, id)),
        o.meta(ns === "*" ? "all namespaces" : `namespace ${ns}`, o.jsonLink("events", { ns, visitor_id: id })),
      ),
      slot,
    );

    async function draw() {
      const [{ events }, { verdicts, last }] = await Promise.all([
        ask("events", { kind: "decision" }),
        ask("verdicts"),
      ]);
      const spaces = [...new Set(events.map((one) => one.namespace))];
      const names = new Map();
      for (const space of spaces.slice(0, 5))
        for (const [key, name] of await o.eventData.namesOf(space, page.signal)) names.set(key, name);
      const all = moments(events.filter(o.words.readable), verdicts.filter(o.words.readable), names);
      o.refill(slot, [
        all.length
          ? o.table(
              "What this visitor did",
              [{ label: "Time" }, { label: "What" }, { label: "Of what" }, { label: "More" }],
              all.map((one) => [o.time(one.at), o.badge(one.tone, one.kind), one.text, one.link]),
              { class: "labelled moments" },
            )
          : o.empty(
              "Nobody by this id",
              "No decision and no event names this visitor. Ids that differ in case or by a space are others.",
            ),
        (events.length === MOST || verdicts.length === MOST) &&
          o.h("p", { class: "quiet" }, `The newest ${MOST} decisions and events.`),
      ]);
      return last;
    }

    const last = await draw();
    page.live("verdicts", { ns }, last, draw);
  }

  o.views.visitor = visitor;
})((globalThis.optilocal = globalThis.optilocal || {}));
