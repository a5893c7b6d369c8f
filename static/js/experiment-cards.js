/* One experiment: its funnel, its variations metric by metric, and its health. */
(function (o) {
  "use strict";

  const CHECKS = {
    sample_ratio: "Split of visitors",
    crossover: "One variation each",
    without_decision: "Conversions with a decision",
    one_visitor: "One id, one person",
    idle_metrics: "Metrics in use",
  };
  const TONES = { good: "good", attention: "warn", critical: "bad", not_applicable: "idle" };

  const metricsOf = (experiment) => [
    ...new Set(Object.values(experiment.variations).flatMap((one) => Object.keys(one.metrics || {}))),
  ];

  /** The rate against that of the first variation, as a share of it. */
  function lift(rate, base, at) {
    if (at === 0) return "baseline";
    if (!base || !Number.isFinite(rate)) return "–";
    const change = (100 * (rate - base)) / base;
    return `${change < 0 ? "\u2212" : "+"}${Math.abs(change).toFixed(1)} %`;
  }

  /** The rates on one axis, each with its 95 % interval. */
  function intervals(all, most) {
    return o.h(
      "dl",
      { class: "intervals" },
      all.map(({ name, visitors, counts }) => {
        const range = o.chart.spread(counts.unique, visitors);
        const between = range ? `${o.words.percent(range[0], 1)} to ${o.words.percent(range[1], 1)}` : "no visitor";
        const said = `${name}: ${counts.unique} of ${visitors} visitors converted, 95 % interval ${between}`;
        return o.h(
          "div",
          {},
          o.h("dt", {}, name),
          o.h(
            "dd",
            {},
            o.chart.interval(counts.unique, visitors, most, said),
            o.h("span", { class: "quiet num" }, between),
          ),
        );
      }),
    );
  }

  function metricTable(key, experiment, metric, held) {
    const all = Object.entries(experiment.variations).map(([name, one]) => ({
      name,
      visitors: one.visitors,
      counts: (one.metrics || {})[metric] || { unique: 0, total: 0, revenue: 0, value: 0 },
    }));
    const rate = ({ counts, visitors }) => (visitors ? counts.unique / visitors : NaN);
    const most = Math.max(0.01, ...all.map((one) => (o.chart.spread(one.counts.unique, one.visitors) || [0, 0])[1]));
    const course = experiment.over_time;
    const converted = all.some((one) => one.counts.unique);
    return o.h(
      "section",
      { class: "metric", "aria-label": `Metric ${metric} of ${key}` },
      o.h("h3", {}, metric),
      o.table(
        `${metric} in ${key}`,
        [
          { label: held ? "Group" : "Variation" },
          { label: "Visitors", class: "num" },
          { label: "Unique", class: "num" },
          { label: "Rate", class: "num" },
          { label: "Lift", class: "num" },
          { label: "Total", class: "num" },
          { label: "Revenue", class: "num" },
          { label: "Value", class: "num" },
        ],
        all.map((one, at) => {
          const { name, visitors, counts } = one;
          return [
            name,
            o.words.number(visitors),
            o.words.number(counts.unique),
            o.words.percent(counts.unique, visitors),
            lift(rate(one), rate(all[0]), at),
            o.words.number(counts.total),
            o.words.money(counts.revenue),
            o.words.number(counts.value),
          ];
        }),
        { class: "labelled" },
      ),
      converted && intervals(all, most),
      converted && course && o.chart.overTime(course, metric, Object.keys(experiment.variations)),
    );
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
    return (
      all.length > shown.length &&
      `${o.words.plural(all.length - shown.length, "metric")} without a conversion left out.`
    );
  }

  /** Every check, what is wrong first. */
  function health(found) {
    const order = ["critical", "attention", "good", "not_applicable"];
    const checks = Object.entries(CHECKS)
      .filter(([name]) => found[name])
      .sort((a, b) => order.indexOf(found[a[0]].status) - order.indexOf(found[b[0]].status));
    return o.h(
      "ul",
      { class: "checks", "aria-label": "Health" },
      checks.map(([name, label]) =>
        o.h(
          "li",
          { "data-check": name, "data-status": found[name].status },
          o.badge(TONES[found[name].status] || "idle", label),
          o.h("span", { class: "quiet" }, found[name].message),
        ),
      ),
    );
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

  function experimentCard(key, experiment, alone, kind, ns) {
    const all = metricsOf(experiment);
    const held = kind === "holdout";
    const metrics = held && !alone ? all.filter((metric) => happened(experiment, metric)) : all;
    const running = experiment.status === "Running";
    const visitors = Object.values(experiment.variations).reduce((sum, one) => sum + one.visitors, 0);
    const { status } = experiment.health || {};
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
            : o.h(
                "a",
                { href: o.route.format({ page: "experiments", parts: [key], params: { ns } }), "data-row": true },
                key,
              ),
        ),
        o.badge(running ? "good" : "idle", experiment.status),
        o.h("span", { class: "quiet" }, o.words.plural(visitors, "visitor")),
        status &&
          status !== "good" &&
          o.badge(TONES[status], status === "critical" ? "Health: critical" : "Health: look at it"),
        o.h("code", { class: "quiet" }, experiment.id),
      ),
      experiment.funnel && o.funnel(experiment.funnel, key, ns),
      experiment.health &&
        o.keep(`health-${key}`, "Health", () => health(experiment.health), alone || status !== "good"),
      metrics.length
        ? o.h(
            "div",
            { class: "metrics" },
            metrics.map((metric) => metricTable(key, experiment, metric, held)),
          )
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

  /** A card for each experiment, or holdout, that somebody saw or whose events were tracked; the others are folded away. */
  function cards(shown, alone, ns, kind = "experiment") {
    const groups = (one) => (kind === "holdout" ? [Object.values(one.variations)[0]] : Object.values(one.variations));
    const seen = ([, one]) =>
      alone ||
      groups(one).some((each) => each.visitors) ||
      (one.funnel && one.funnel.tracked) ||
      (one.set_aside || []).length;
    const card = ([name, one]) => experimentCard(name, one, alone, kind, ns);
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

  /** Holdouts, as `[[key, holdout], …]`: the held out against everyone else decided for in the environment. */
  function holdouts(shown, alone, ns) {
    if (!shown.length) return null;
    return o.h(
      "section",
      { class: "holdouts", "aria-label": "Holdouts" },
      !alone && o.h("h2", {}, "Holdouts"),
      o.h("p", { class: "quiet" }, "Who is held out, against everyone else decided for in the environment."),
      cards(
        shown.map(([name, one]) => [name, asExperiment(one)]),
        alone,
        ns,
        "holdout",
      ),
    );
  }

  o.experimentCards = { cards, holdouts };
})((globalThis.optilocal = globalThis.optilocal || {}));
