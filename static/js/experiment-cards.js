/* One experiment as table and picture, and the breakdown of verdicts. */
(function (o) {
  "use strict";

  const BAR = 100;

  /** A variation's bar: its visitors against those of the fullest variation, filled as far as they converted. */
  function picture(name, visitors, unique, most) {
    return o.svg(
      "svg",
      {
        class: "chart",
        viewBox: `0 0 ${BAR} 8`,
        role: "img",
        preserveAspectRatio: "none",
        "aria-label": `${name}: ${unique} of ${visitors} visitors converted`,
      },
      o.svg("rect", { width: BAR, height: 8, class: "bar-track" }),
      o.svg("rect", { width: (BAR * visitors) / most, height: 8, class: "bar-all" }),
      o.svg("rect", { width: (BAR * unique) / most, height: 8, class: "bar-unique" }),
    );
  }

  const metricsOf = (experiment) => [
    ...new Set(Object.values(experiment.variations).flatMap((one) => Object.keys(one.metrics || {}))),
  ];

  function metricTable(key, experiment, metric, held) {
    const most = Math.max(1, ...Object.values(experiment.variations).map((one) => one.visitors));
    return [
      o.h("h3", {}, metric),
      o.h(
        "div",
        { class: "metric" },
        o.table(
          `${metric} in ${key}`,
          [
            { label: held ? "Group" : "Variation" },
            { label: "Visitors", class: "num" },
            { label: "Unique", class: "num" },
            { label: "Rate", class: "num" },
            { label: "Total", class: "num" },
            { label: "Revenue", class: "num" },
            { label: "Value", class: "num" },
            { label: "Converting of all visitors", class: "bar-cell" },
          ],
          Object.entries(experiment.variations).map(([name, one]) => {
            const counts = (one.metrics || {})[metric] || { unique: 0, total: 0, revenue: 0, value: 0 };
            return [
              name,
              o.words.number(one.visitors),
              o.words.number(counts.unique),
              o.words.percent(counts.unique, one.visitors),
              o.words.number(counts.total),
              o.words.money(counts.revenue),
              o.words.number(counts.value),
              picture(name, one.visitors, counts.unique, most),
            ];
          }),
        ),
      ),
    ];
  }

  /** A holdout in the form of an experiment: who is held out, and everyone else, in the place of variations. */
  const asExperiment = (holdout) => ({
    ...holdout,
    variations: { "Held out": holdout.groups.holdout, "Everyone else": holdout.groups.everyone_else },
  });

  const happened = (experiment, metric) =>
    Object.values(experiment.variations).some((one) => ((one.metrics || {})[metric] || {}).total);

  /** What is said below a holdout's metrics: mostly all events of its environment, of which many have no conversion. */
  function leftOut(all, shown) {
    if (!shown.length) return "Nobody of either group has converted yet.";
    return all.length > shown.length && `${o.words.plural(all.length - shown.length, "metric")} without a conversion left out.`;
  }

  /** Visitors whose decisions were all set aside, one line a reason. */
  function setAside(experiment) {
    const reasons = experiment.set_aside || [];
    if (!reasons.length) return null;
    return o.h(
      "ul",
      { class: "quiet", "aria-label": "Decisions set aside" },
      reasons.map((one) => o.h("li", {}, `${o.words.plural(one.visitors, "visitor")} set aside: ${one.message}.`)),
    );
  }

  function experimentCard(key, experiment, alone, kind = "experiment") {
    const all = metricsOf(experiment);
    const held = kind === "holdout";
    const metrics = held && !alone ? all.filter((metric) => happened(experiment, metric)) : all;
    const running = experiment.status === "Running";
    const visitors = Object.values(experiment.variations).reduce((sum, one) => sum + one.visitors, 0);
    return o.h(
      "section",
      { class: "card", "aria-label": `${held ? "Holdout" : "Experiment"} ${key}` },
      o.h(
        "div",
        { class: "card-head" },
        o.h(
          "h2",
          {},
          alone
            ? key
            : o.h("a", { href: o.href("experiments", [key], { ns: o.current.params.ns }), "data-row": true }, key),
        ),
        o.badge(running ? "good" : "idle", experiment.status),
        o.h("span", { class: "quiet" }, o.words.plural(visitors, "visitor")),
        o.h("code", { class: "quiet" }, experiment.id),
      ),
      metrics.length
        ? metrics.map((metric) => metricTable(key, experiment, metric, held))
        : [
            o.table(
              `${held ? "Groups" : "Variations"} of ${key}`,
              [{ label: held ? "Group" : "Variation" }, { label: "Visitors", class: "num" }],
              Object.entries(experiment.variations).map(([name, one]) => [name, o.words.number(one.visitors)]),
            ),
            !held && o.h("p", { class: "quiet" }, "No event of the datafile is a metric of this experiment."),
          ],
      held && !alone && o.h("p", { class: "quiet" }, leftOut(all, metrics)),
      setAside(experiment),
    );
  }

  /** A card for each experiment, or holdout, that somebody saw; the others are folded away. */
  function cards(shown, alone, kind = "experiment") {
    const groups = (one) => (kind === "holdout" ? [one.groups.holdout] : Object.values(one.variations));
    const seen = ([, one]) => alone || groups(one).some((each) => each.visitors) || (one.set_aside || []).length;
    const card = ([name, one]) => experimentCard(name, one, alone, kind);
    const rest = shown.filter((one) => !seen(one));
    return [
      shown.filter(seen).map(card),
      rest.length > 0 &&
        o.keep(
          `unseen-${kind}`,
          `${o.words.plural(rest.length, kind)} without a visitor${kind === "holdout" ? " held out" : ""}`,
          () => o.h("div", { class: "fold-body" }, rest.map(card)),
          rest.length === shown.length,
        ),
    ];
  }

  const bar = (share, slug) =>
    o.svg(
      "svg",
      { viewBox: "0 0 100 6", class: "share", preserveAspectRatio: "none", "aria-hidden": "true" },
      o.svg("rect", { width: 100 * share, height: 6, class: slug === "counted" ? "bar-good" : "bar-bad" }),
    );

  /** Outcomes counted over the newest verdicts; each leads to the events behind it. */
  function breakdown(verdicts, ns, more) {
    const counts = new Map();
    for (const one of verdicts)
      if (one.kind !== "deletion") counts.set(one.outcome, (counts.get(one.outcome) || 0) + 1);
    const all = [...counts.values()].reduce((sum, one) => sum + one, 0);
    if (!all) return null;
    const order = Object.keys(o.words.OUTCOMES);
    const rows = [...counts].sort((a, b) => b[1] - a[1] || order.indexOf(a[0]) - order.indexOf(b[0]));
    return o.h(
      "section",
      { class: "card", "aria-labelledby": "breakdown-title" },
      o.h("h2", { id: "breakdown-title" }, "Who was counted, and who was not"),
      o.table(
        "Events by verdict",
        [
          { label: "Verdict" },
          { label: "Events", class: "num" },
          { label: "Share", class: "num" },
          { label: "What it means", class: "wide-only" },
        ],
        rows.map(([slug, count]) => [
          o.h(
            "a",
            {
              href: o.route.format({
                page: "events",
                params: { ns, q: o.filter.format([{ field: "outcome", value: slug }]) },
              }),
            },
            o.outcomeBadge(slug),
          ),
          o.words.number(count),
          [bar(count / all, slug), o.words.percent(count, all)],
          o.h("span", { class: "quiet" }, o.words.outcome(slug).hint),
        ]),
      ),
      more && o.h("p", { class: "quiet" }, `Of the newest ${o.words.number(verdicts.length)} events.`),
    );
  }

  /** Holdouts, as `[[key, holdout], …]`: the held out against everyone else decided for in the environment. */
  function holdouts(shown, alone) {
    if (!shown.length) return null;
    return o.h(
      "section",
      { class: "holdouts", "aria-label": "Holdouts" },
      !alone && o.h("h2", {}, "Holdouts"),
      o.h("p", { class: "quiet" }, "Who is held out, against everyone else decided for in the environment."),
      cards(
        shown.map(([name, one]) => [name, asExperiment(one)]),
        alone,
        "holdout",
      ),
    );
  }

  o.experimentCards = { cards, holdouts, breakdown };
})((globalThis.optilocal = globalThis.optilocal || {}));
