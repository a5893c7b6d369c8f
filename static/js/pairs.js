/* Expected beside captured as a table: aligned by path, equal fields folded. */
(function (o) {
  "use strict";

  const STATES = {
    differs: "differs",
    missing: "missing",
    unexpected: "unexpected",
    matched: "matches",
    extra: "not compared",
    same: "",
    parent: "",
  };

  function pairRows(rows, chosen) {
    const out = [];
    for (const row of rows) {
      if (row.fold) {
        const open = o.h(
          "button",
          { type: "button", class: "fold-rows" },
          `${o.words.plural(row.count, "equal field")}`,
        );
        const tr = o.h("tr", { class: "folded", role: "row" }, o.h("td", { colspan: "3", role: "cell" }, open));
        open.addEventListener("click", () => {
          const built = pairRows(row.fold, chosen);
          built[0].setAttribute("tabindex", "-1");
          tr.replaceWith(...built);
          built[0].focus();
        });
        out.push(tr);
        continue;
      }
      const indent = "depth-" + Math.min(row.depth, 9);
      const name = o.words.names(row.names, row.path[row.path.length - row.names.length - 1]).join(" › ");
      const differs = !["same", "extra", "matched", "parent"].includes(row.state);
      const mark =
        STATES[row.state] &&
        o.h("span", { class: differs ? "row-mark" : "row-note" }, differs && o.icon("bad"), STATES[row.state]);
      const sides = {
        ...(row.expected === undefined ? {} : { expected: row.expected }),
        ...(row.captured === undefined ? {} : { captured: row.captured }),
      };
      const parent = row.state === "parent" || row.list !== undefined;
      const withType =
        differs &&
        "expected" in sides &&
        "captured" in sides &&
        o.diff.typeOf(row.expected) !== o.diff.typeOf(row.captured);
      out.push(
        o.h(
          "tr",
          { role: "row", class: `pair-${row.state}` + (row.index >= 0 && row.index === chosen ? " is-open" : "") },
          o.h("th", { scope: "row", role: "rowheader", class: indent }, name, " ", mark),
          o.h(
            "td",
            { role: "cell", "data-label": "Expected" },
            parent ? "" : o.difference.value(sides, "expected", withType),
          ),
          o.h(
            "td",
            { role: "cell", "data-label": "Captured" },
            parent ? "" : o.difference.value(sides, "captured", withType),
          ),
        ),
      );
    }
    return out;
  }

  function pairs(scenario, chosen) {
    const rows = o.diff.fold(o.diff.compact(o.diff.rows(scenario.expected, scenario.captured, scenario.differences)));
    if (!rows.length) return null;
    return [
      o.h("h3", {}, "Expected beside captured"),
      o.h(
        "div",
        { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Expected beside captured" },
        o.h(
          "table",
          { class: "pairs", role: "table" },
          o.h(
            "thead",
            { role: "rowgroup" },
            o.h(
              "tr",
              { role: "row" },
              ["Field", "Expected", "Captured"].map((one) => o.h("th", { scope: "col", role: "columnheader" }, one)),
            ),
          ),
          o.h("tbody", { role: "rowgroup" }, pairRows(rows, chosen)),
        ),
      ),
    ];
  }

  o.pairs = pairs;
})((globalThis.optilocal = globalThis.optilocal || {}));
