/* Pictures of rates: how sure a rate is, and how it came about. The words beside them say the same. */
(function (o) {
  "use strict";

  const Z = 1.959964; // the normal distribution's 97.5 % point: 95 % lie between
  const WIDTH = 320;
  const HEIGHT = 96;
  const DASHES = ["none", "7 4", "2 3", "10 3 2 3"];

  /** Converters and visitors → [low, high], the 95 % interval of the rate by Wilson (1927); null without visitors. */
  function spread(unique, visitors) {
    if (!visitors) return null;
    const rate = unique / visitors;
    const turn = (Z * Z) / visitors;
    const centre = (rate + turn / 2) / (1 + turn);
    const half = (Z * Math.sqrt((rate * (1 - rate)) / visitors + turn / (4 * visitors))) / (1 + turn);
    return [Math.max(0, centre - half), Math.min(1, centre + half)];
  }

  /** One rate with its interval on an axis from 0 to `most`; `label` says it in words. */
  function interval(unique, visitors, most, label) {
    const range = spread(unique, visitors);
    const at = (rate) => (100 * rate) / most;
    return o.svg(
      "svg",
      { class: "interval", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": label },
      o.svg("rect", { x: 0, y: 4.5, width: 100, height: 1, class: "axis" }),
      range &&
        o.svg("rect", {
          x: at(range[0]),
          y: 2,
          width: Math.max(0.5, at(range[1]) - at(range[0])),
          height: 6,
          class: "range",
        }),
      range &&
        o.svg("rect", { x: Math.max(0, at(unique / visitors) - 0.6), y: 0, width: 1.2, height: 10, class: "point" }),
    );
  }

  /** Rates over time, a line a variation: `course` is {times, variations: {KEY: {visitors, metrics: {EVENT: [n]}}}}. */
  function overTime(course, metric, order) {
    const lines = order
      .filter((key) => course.variations[key])
      .map((key) => {
        const { visitors, metrics } = course.variations[key];
        return [key, visitors.map((count, i) => (count ? ((metrics[metric] || [])[i] || 0) / count : 0))];
      });
    if (course.times.length < 2 || !lines.length) return null;
    const most = Math.max(0.01, ...lines.flatMap(([, rates]) => rates)) * 1.1;
    const x = (i) => (WIDTH * i) / (course.times.length - 1);
    const y = (rate) => HEIGHT - (HEIGHT * rate) / most;
    const last = lines.map(([key, rates]) => `${key} ${o.words.percent(rates[rates.length - 1], 1)}`).join(", ");
    return o.h(
      "figure",
      { class: "course" },
      o.svg(
        "svg",
        { viewBox: `0 -2 ${WIDTH} ${HEIGHT + 4}`, role: "img", "aria-label": `Rate over time; at the end: ${last}` },
        o.svg("path", { d: `M0 ${HEIGHT}H${WIDTH}`, class: "axis" }),
        lines.map(([, rates], at) =>
          o.svg("path", {
            d: rates.map((rate, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(rate).toFixed(1)}`).join(""),
            class: `line line-${at % DASHES.length}`,
            "stroke-dasharray": DASHES[at % DASHES.length],
          }),
        ),
      ),
      o.h(
        "figcaption",
        { class: "quiet" },
        lines.map(([key], at) =>
          o.h(
            "span",
            { class: "legend" },
            o.svg(
              "svg",
              { viewBox: "0 0 24 6", "aria-hidden": "true" },
              o.svg("path", {
                d: "M0 3H24",
                class: `line line-${at % DASHES.length}`,
                "stroke-dasharray": DASHES[at % DASHES.length],
              }),
            ),
            key,
          ),
        ),
        o.h("span", {}, "from ", o.time(course.times[0]), " to ", o.time(course.times[course.times.length - 1])),
      ),
    );
  }

  o.chart = { spread, interval, overTime };
})((globalThis.optilocal = globalThis.optilocal || {}));
