/* Experiments: the funnel of their events, who saw what and who converted, and what is doubtful about it. */
(function (o) {
  "use strict";

  const MOST = 300;

  /** Namespaces to choose from when none is chosen; the only busy one opens by itself. */
  async function place(page) {
    if (o.shell.ns() !== "*") return { ns: o.shell.ns(), names: [] };
    const { namespaces } = await o.source.get("namespaces", {}, { signal: page.signal });
    const busy = namespaces.filter((one) => one.events || one.verdicts);
    if (busy.length === 1) return { ns: busy[0].name, names: busy };
    const told = await scenarioNames(page.signal);
    busy.sort((a, b) => (b.last_at || 0) - (a.last_at || 0));
    return { ns: null, names: busy.slice(0, MOST).map((one) => ({ ...one, scenario: told.get(one.name) })) };
  }

  /** Namespace → the name of the scenario that ran in it, of the newest run. */
  async function scenarioNames(signal) {
    const { runs } = await o.source.get("runs", { ns: "*", order: "newest", limit: 1 }, { signal });
    if (!runs.length) return new Map();
    const run = await o.source.get("runs/" + encodeURIComponent(runs[0].id), {}, { signal });
    return new Map(run.scenarios.map((one) => [one.namespace, one.name]));
  }

  function choice(names) {
    return o.table(
      "Namespaces with traffic",
      [
        { label: "Namespace" },
        { label: "Scenario", class: "wide-only" },
        { label: "Events", class: "num" },
        { label: "Verdicts", class: "num" },
        { label: "Last", class: "num" },
      ],
      names.map((one) => ({
        attrs: { "data-open": true },
        cells: [
          o.rowLink(o.route.format({ page: "experiments", params: { ns: one.name } }), one.name),
          one.scenario || "–",
          o.words.number(one.events || 0),
          o.words.number(one.verdicts || 0),
          o.time(one.last_at),
        ],
      })),
      { class: "stack" },
    );
  }

  async function experiments(page) {
    const key = page.route.parts.join("/");
    page.title(key || "Experiments");
    const { ns, names } = await place(page);
    if (!ns) {
      page.show(
        o.h("h1", {}, "Experiments"),
        names.length
          ? [
              o.h("p", { class: "quiet" }, "Results belong to a namespace; each scenario has its own. Choose one."),
              choice(names),
            ]
          : o.empty(
              "Nothing counted yet",
              "Results appear with the first decision. Run the shipped suite against this sandbox:",
              `optilocal run --emulator ${o.source.root}`,
            ),
      );
      o.keys.settle(document.getElementById("main"));
      return;
    }
    const body = o.h("div", {});
    page.show(
      key &&
        o.h(
          "a",
          {
            class: "back",
            "data-back": true,
            "data-key": "Escape",
            href: o.route.format({ page: "experiments", params: { ns } }),
          },
          "All experiments",
        ),
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, key || "Experiments"),
        o.meta(`namespace ${ns}`, o.jsonLink("results", { ns })),
      ),
      body,
    );

    let examined = null; // {experiments, took}: the last answer with health, which takes long where much is recorded
    let asking = false;

    async function draw() {
      const answer = await o.source.get("results", { ns, funnel: "yes" }, { signal: page.signal });
      for (const [name, one] of Object.entries(answer.experiments)) {
        const known = examined && examined.experiments[name];
        if (known) Object.assign(one, { health: known.health, over_time: known.over_time });
      }
      const { experiments: all, holdouts } = answer;
      const shown = Object.entries(all).filter(([name]) => !key || name === key);
      const held = Object.entries(holdouts).filter(([name]) => !key || (name === key && !shown.length));
      const weight = ([, one]) =>
        one.funnel.tracked + Object.values(one.variations).reduce((sum, variation) => sum + variation.visitors, 0);
      shown.sort((a, b) => weight(b) - weight(a));
      o.refill(body, [
        !key &&
          answer.funnel.tracked > 0 &&
          o.h(
            "section",
            { class: "card", "aria-label": "All events" },
            o.h("h2", {}, "All events"),
            o.funnel(answer.funnel, "all events", ns),
          ),
        shown.length || held.length
          ? o.experimentCards.cards(shown, Boolean(key), ns)
          : o.empty(
              key ? "No such experiment" : "No datafile here",
              key ? "The newest datafile of this namespace does not list it." : "Give the namespace a datafile:",
              key ? null : `curl -X PUT ${o.source.base}_emulator/datafiles/SDK_KEY --data-binary @datafile.json`,
            ),
        o.experimentCards.holdouts(held, Boolean(key), ns),
        shown.length > 0 &&
          o.h(
            "p",
            { class: "quiet" },
            "Intervals are 95 % by Wilson. They and the health checks are optilocal's own: no significance of Optimizely's Stats Engine. ",
            examined &&
              examined.took > 1000 &&
              o.h("button", { type: "button", class: "button", on: { click: examine } }, "Examine health again"),
          ),
      ]);
      o.keys.settle(body);
    }

    async function examine() {
      if (asking) return;
      asking = true;
      const began = Date.now();
      try {
        const { experiments } = await o.source.get("results", { ns, health: "yes" }, { signal: page.signal });
        examined = { experiments, took: Date.now() - began };
        await draw();
      } finally {
        asking = false;
      }
    }

    const { last } = await o.source.get("verdicts", { ns, order: "newest", limit: 1 }, { signal: page.signal });
    await draw();
    page.live("verdicts", { ns }, last, () => (examined && examined.took < 1000 ? examine() : draw()));
    examine().catch((error) => {
      // Left meanwhile, or the emulator has gone: the page says that by itself.
      if (error.name !== "AbortError" && !(error instanceof o.data.Problem)) throw error;
    });
  }

  o.views = o.views || {};
  o.views.experiments = experiments;
})((globalThis.optilocal = globalThis.optilocal || {}));
