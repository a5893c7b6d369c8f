/* The funnel: how many events reached each stage, and what became of the others, each a link to those events. */
(function (o) {
  "use strict";

  const STAGES = [
    ["tracked", "Tracked", "seen by Segment, or sent by an SDK"],
    ["sent", "Sent", "to Optimizely's Event API"],
    ["received", "Received", "by Optimizely"],
    ["counted", "Counted", "in the results"],
  ];

  const link = (ns, outcome, event, text) =>
    o.h(
      "a",
      {
        href: o.route.format({
          page: "events",
          params: {
            ns,
            q: o.filter.format([
              { field: "outcome", value: outcome },
              ...(event ? [{ field: "event", value: event }] : []),
            ]),
          },
        }),
      },
      text,
    );

  /** One loss: what ended these events, how many, and of which names. */
  function loss(one, tracked, ns) {
    const events = Object.entries(one.by_event).sort((a, b) => b[1] - a[1]);
    const elsewhere = one.outcome === "counted";
    return o.h(
      "li",
      { class: "loss" },
      elsewhere
        ? o.badge("idle", "Counted in other experiments only", { title: "The visitor has no decision in this one" })
        : o.outcomeBadge(one.outcome),
      o.h("span", { class: "num" }, ` ${o.words.number(one.events)} (${o.words.percent(one.events, tracked)}) `),
      o.h(
        "span",
        { class: "quiet" },
        events
          .slice(0, 5)
          .map(([key, count], i) => [
            i ? ", " : "",
            link(ns, one.outcome, key, key || "(no name)"),
            events.length > 1 ? ` ${o.words.number(count)}` : "",
          ]),
        events.length > 5 ? `, and ${events.length - 5} more` : "",
      ),
    );
  }

  /** The funnel of one experiment, or of all events: `name` says whose. */
  function funnel(found, name, ns) {
    if (!found.tracked) return o.h("p", { class: "quiet" }, "No event that could count here was tracked.");
    return o.h(
      "ol",
      { class: "funnel", "aria-label": `Funnel of ${name}` },
      STAGES.map(([stage, label, hint]) => {
        const losses = found.losses.filter((one) => one.before === stage);
        return o.h(
          "li",
          { "data-funnel": stage },
          losses.length > 0 &&
            o.h(
              "ul",
              { class: "losses", "aria-label": `Lost before they were ${label.toLowerCase()}` },
              losses.map((one) => loss(one, found.tracked, ns)),
            ),
          o.h(
            "div",
            { class: "funnel-stage" },
            o.h(
              "span",
              { class: "funnel-name" },
              o.h("strong", {}, label),
              o.h("span", { class: "quiet" }, ` ${hint}`),
            ),
            o.svg(
              "svg",
              { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", class: "funnel-bar" },
              o.svg("rect", { width: 100, height: 10, class: "bar-track" }),
              o.svg("rect", {
                width: (100 * found[stage]) / found.tracked,
                height: 10,
                class: stage === "counted" ? "bar-good" : "bar-unique",
              }),
            ),
            o.h(
              "span",
              { class: "num" },
              `${o.words.number(found[stage])} · ${o.words.percent(found[stage], found.tracked)}`,
            ),
          ),
        );
      }),
    );
  }

  o.funnel = funnel;
})((globalThis.optilocal = globalThis.optilocal || {}));
