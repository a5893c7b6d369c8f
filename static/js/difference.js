/* One difference: its field, both sides, the reason; and the overview of several. */
(function (o) {
  "use strict";

  const TYPES = { string: "text", boolean: "true or false" };
  const typed = (value) => TYPES[o.diff.typeOf(value)] || o.diff.typeOf(value);

  /** A value as the reader sees it; its type beside it where the type is what differs. */
  function value(one, side, withType) {
    if (!(side in one)) return o.h("span", { class: "absent" }, "nothing");
    const given = one[side];
    const long =
      given !== null && typeof given === "object" && !o.diff.isMatcher(given) && o.diff.show(given).length > 48;
    const text = long ? JSON.stringify(given, null, 2) : o.diff.show(given);
    return o.h(
      "div",
      {},
      o.h(long ? "pre" : "code", { class: "value" }, text),
      withType && o.h("span", { class: "type" }, typed(given)),
    );
  }

  /** The same in one line, for a row of an overview. */
  function brief(one, side) {
    if (!(side in one)) return value(one, side);
    const text = o.diff.show(one[side]);
    return o.h("code", { title: text.length > 60 ? text : null }, text.length > 60 ? text.slice(0, 57) + "…" : text);
  }

  /** A link to one of the differences; followed on the spot, without asking for the run again. */
  function link(scenario, index, page, attrs, label) {
    const href = o.route.format({
      ...page.route,
      parts: [page.route.parts[0] || "latest", scenario.id],
      params: { ...page.route.params, d: index + 1 },
    });
    return o.h(
      "a",
      {
        ...attrs,
        href,
        on: {
          click(event) {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            page.choose(index + 1);
          },
        },
      },
      label,
    );
  }

  function card(scenario, difference, index, page) {
    const all = scenario.differences;
    const { part, field, through } = o.words.where(difference.path);
    const withType =
      difference.kind === "type" ||
      (difference.kind === "changed" && o.diff.typeOf(difference.expected) !== o.diff.typeOf(difference.captured));
    const verdict = typeof difference.verdict === "number" ? scenario.verdicts[difference.verdict] : null;
    const step = (by, key, label) =>
      all.length > 1 &&
      link(scenario, (index + by + all.length) % all.length, page, { class: "button", "data-key": key }, label);
    return o.h(
      "article",
      { class: "difference", id: "difference", "aria-label": "Difference" },
      o.h(
        "div",
        { class: "difference-head" },
        o.h(
          "h4",
          {},
          o.h(
            "span",
            { class: "quiet" },
            [part, ...through].join(" › "),
            through.length || part !== field ? " › " : "",
          ),
          field,
        ),
        o.h("span", { class: "kind" }, o.words.KINDS[difference.kind] || difference.kind),
        all.length > 1 &&
          o.h(
            "span",
            { class: "stepper" },
            o.h("span", { class: "quiet num" }, `${index + 1} of ${all.length}`),
            step(-1, "p", "Previous"),
            step(1, "n", "Next"),
          ),
      ),
      o.h(
        "dl",
        { class: "sides" },
        o.h(
          "div",
          { class: "side-expected" },
          o.h("dt", {}, "Expected"),
          o.h("dd", {}, value(difference, "expected", withType)),
        ),
        o.h(
          "div",
          { class: "side-captured" },
          o.h("dt", {}, "Captured"),
          o.h("dd", {}, value(difference, "captured", withType)),
        ),
      ),
      difference.reason && o.h("p", {}, o.h("code", {}, field), " ", difference.reason),
      difference.nearest &&
        o.h(
          "p",
          { class: "quiet" },
          `Closest counterpart: number ${difference.nearest.index + 1}, with ${difference.nearest.score} fields equal.`,
        ),
      verdict &&
        verdict.explanation &&
        o.h(
          "p",
          { class: "why" },
          o.outcomeBadge(verdict.outcome),
          " ",
          verdict.explanation,
          " ",
          verdict.message_id &&
            o.h("a", { href: o.href("event", [verdict.message_id], { ns: verdict.namespace }) }, "Its journey"),
        ),
      verdict &&
        o.words.isRemedy(verdict) &&
        o.h("p", { class: "why" }, o.h("strong", {}, "What to change: "), verdict.remedy),
      difference.file && o.h("p", { class: "quiet mono place" }, `${difference.file}:${difference.line}`),
    );
  }

  function overview(scenario, chosen, page) {
    if (scenario.differences.length < 2) return null;
    return o.table(
      "Differences",
      [{ label: "Field" }, { label: "Expected" }, { label: "Captured" }, { label: "What" }],
      scenario.differences.map((one, i) => {
        const { part, field } = o.words.where(one.path);
        return {
          attrs: { class: i === chosen ? "is-open" : null },
          cells: [
            link(
              scenario,
              i,
              page,
              { "aria-current": i === chosen ? "true" : null },
              part === field ? part : `${part} › ${field}`,
            ),
            brief(one, "expected"),
            brief(one, "captured"),
            o.words.KINDS[one.kind] || one.kind,
          ],
        };
      }),
      { class: "differences" },
    );
  }

  o.difference = { value, card, overview };
})((globalThis.optilocal = globalThis.optilocal || {}));
