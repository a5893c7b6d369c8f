/* One scenario: the field that differs, expected beside captured, what each event's verdict says, steps, source. */
(function (o) {
  "use strict";

  const TYPES = { string: "text", boolean: "true or false" };
  const typed = (value) => TYPES[o.diff.typeOf(value)] || o.diff.typeOf(value);

  /** A value as the reader sees it; its type beside it where the type is what differs. */
  function value(one, side, withType) {
    if (!(side in one)) return o.h("span", { class: "absent" }, "nothing");
    const given = one[side];
    const long = given !== null && typeof given === "object" && !o.diff.isMatcher(given) && o.diff.show(given).length > 48;
    const text = long ? JSON.stringify(given, null, 2) : o.diff.show(given);
    return o.h("div", {}, o.h(long ? "pre" : "code", { class: "value" }, text), withType && o.h("span", { class: "type" }, typed(given)));
  }

  /** The same in one line, for a row of an overview. */
  function brief(one, side) {
    if (!(side in one)) return value(one, side);
    const text = o.diff.show(one[side]);
    return o.h("code", { title: text.length > 60 ? text : null }, text.length > 60 ? text.slice(0, 57) + "…" : text);
  }

  /** A link to one of the differences; followed on the spot, without asking for the run again. */
  function link(scenario, index, page, attrs, label) {
    const href = o.route.format({ ...page.route, parts: [page.route.parts[0] || "latest", scenario.id], params: { ...page.route.params, d: index + 1 } });
    return o.h("a", { ...attrs, href, on: { click(event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      page.choose(index + 1);
    } } }, label);
  }

  function card(scenario, difference, index, page) {
    const all = scenario.differences;
    const { part, field, through } = o.words.where(difference.path);
    const withType = difference.kind === "type" || (difference.kind === "changed" && o.diff.typeOf(difference.expected) !== o.diff.typeOf(difference.captured));
    const verdict = typeof difference.verdict === "number" ? scenario.verdicts[difference.verdict] : null;
    const step = (by, key, label) => all.length > 1 && link(scenario, (index + by + all.length) % all.length, page, { class: "button", "data-key": key }, label);
    return o.h("article", { class: "difference", id: "difference", "aria-label": "Difference" },
      o.h("div", { class: "difference-head" },
        o.h("h4", {}, o.h("span", { class: "quiet" }, [part, ...through].join(" › "), through.length || part !== field ? " › " : ""), field),
        o.h("span", { class: "kind" }, o.words.KINDS[difference.kind] || difference.kind),
        all.length > 1 && o.h("span", { class: "stepper" }, o.h("span", { class: "quiet num" }, `${index + 1} of ${all.length}`), step(-1, "p", "Previous"), step(1, "n", "Next"))),
      o.h("dl", { class: "sides" },
        o.h("div", { class: "side-expected" }, o.h("dt", {}, "Expected"), o.h("dd", {}, value(difference, "expected", withType))),
        o.h("div", { class: "side-captured" }, o.h("dt", {}, "Captured"), o.h("dd", {}, value(difference, "captured", withType)))),
      difference.reason && o.h("p", {}, difference.reason),
      difference.nearest && o.h("p", { class: "quiet" }, `Closest counterpart: number ${difference.nearest.index + 1}, with ${difference.nearest.score} fields equal.`),
      verdict && verdict.explanation && o.h("p", { class: "why" }, o.outcomeBadge(verdict.outcome), " ", verdict.explanation, " ",
        verdict.message_id && o.h("a", { href: o.href("event", [verdict.message_id], { ns: verdict.namespace }) }, "Its journey")),
      difference.file && o.h("p", { class: "quiet mono place" }, `${difference.file}:${difference.line}`));
  }

  function overview(scenario, chosen, page) {
    if (scenario.differences.length < 2) return null;
    return o.table("Differences", [{ label: "Field" }, { label: "Expected" }, { label: "Captured" }, { label: "What" }],
      scenario.differences.map((one, i) => {
        const { part, field } = o.words.where(one.path);
        return { attrs: { class: i === chosen ? "is-open" : null }, cells: [
          link(scenario, i, page, { "aria-current": i === chosen ? "true" : null }, part === field ? part : `${part} › ${field}`),
          brief(one, "expected"), brief(one, "captured"), o.words.KINDS[one.kind] || one.kind] };
      }), { class: "differences" });
  }

  const STATES = { differs: "differs", missing: "missing", unexpected: "unexpected", matched: "matches", extra: "not compared", same: "", parent: "" };

  function pairRows(rows, chosen) {
    const out = [];
    for (const row of rows) {
      if (row.fold) {
        const open = o.h("button", { type: "button", class: "fold-rows" }, `${o.words.plural(row.count, "equal field")}`);
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
      const mark = STATES[row.state] && o.h("span", { class: differs ? "row-mark" : "row-note" }, differs && o.icon("bad"), STATES[row.state]);
      const sides = { ...(row.expected === undefined ? {} : { expected: row.expected }), ...(row.captured === undefined ? {} : { captured: row.captured }) };
      const parent = row.state === "parent" || row.list !== undefined;
      const withType = differs && "expected" in sides && "captured" in sides && o.diff.typeOf(row.expected) !== o.diff.typeOf(row.captured);
      out.push(o.h("tr", { role: "row", class: `pair-${row.state}` + (row.index >= 0 && row.index === chosen ? " is-open" : "") },
        o.h("th", { scope: "row", role: "rowheader", class: indent }, name, " ", mark),
        o.h("td", { role: "cell", "data-label": "Expected" }, parent ? "" : value(sides, "expected", withType)),
        o.h("td", { role: "cell", "data-label": "Captured" }, parent ? "" : value(sides, "captured", withType))));
    }
    return out;
  }

  function pairs(scenario, chosen) {
    const rows = o.diff.fold(o.diff.compact(o.diff.rows(scenario.expected, scenario.captured, scenario.differences)));
    if (!rows.length) return null;
    return [o.h("h3", {}, "Expected beside captured"),
      o.h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Expected beside captured" },
        o.h("table", { class: "pairs", role: "table" }, o.h("thead", { role: "rowgroup" }, o.h("tr", { role: "row" }, ["Field", "Expected", "Captured"].map((one) => o.h("th", { scope: "col", role: "columnheader" }, one)))),
          o.h("tbody", { role: "rowgroup" }, pairRows(rows, chosen))))];
  }

  function verdicts(scenario) {
    const all = scenario.verdicts || [];
    if (!all.length) return null;
    return [o.h("h3", {}, all.length === 1 ? "Its event" : "Its events"), o.h("ol", { class: "verdict-cards" }, all.filter(Boolean).map((one) =>
      o.h("li", {}, o.h("p", {}, o.outcomeBadge(one.outcome), " ", one.message_id
        ? o.h("a", { href: o.href("event", [one.message_id], { ns: one.namespace }) }, one.event || one.kind) : one.event || one.kind),
      one.explanation && o.h("p", {}, one.explanation),
      one.remedy && one.outcome !== "counted" && o.h("p", { class: "quiet" }, one.remedy))))];
  }

  function steps(scenario) {
    if (!(scenario.steps || []).length) return null;
    const failed = new Set((scenario.differences || []).map((one) => one.step));
    return o.keep("steps", `Steps (${scenario.steps.length})`, () => o.h("ol", { class: "steps" }, scenario.steps.map((one) =>
      o.h("li", { value: one.index, class: failed.has(one.index) ? "tone-bad" : null }, o.h("span", { class: "kind" }, one.kind), " ", one.summary, " ",
        one.message_id && o.h("a", { href: o.href("event", [one.message_id], { ns: scenario.namespace }) }, "journey"), " ",
        failed.has(one.index) && o.badge("bad", "differs here"),
        one.note && o.h("p", { class: "quiet" }, one.note)))));
  }

  function source(scenario) {
    if (!scenario.source || !scenario.source.text) return null;
    const marked = new Set((scenario.differences || []).map((one) => one.line));
    const lines = scenario.source.text.replace(/\n$/, "").split("\n");
    const shown = o.h("pre", { class: "code source", tabindex: "0", role: "region", "aria-label": "Scenario source" }, lines.map((text, i) => {
      const number = scenario.source.first_line + i;
      const bad = marked.has(number);
      return o.h("span", { class: "line" + (bad ? " is-marked" : "") }, o.h("span", { class: "line-number" }, String(number)),
        o.h("span", { class: "line-mark" }, bad ? "▶" : ""), bad && o.h("span", { class: "visually-hidden" }, "differs: "), text, "\n");
    }));
    return o.keep("source", `Scenario source, ${scenario.file}`, () => shown, marked.size > 0);
  }

  /** The nodes of one scenario's detail; `page.route.params.d` is the difference shown, from 1. */
  o.scenarioDetail = function scenarioDetail(run, scenario, page) {
    const all = scenario.differences || [];
    const chosen = Math.max(0, Math.min(all.length - 1, Number(page.route.params.d || 1) - 1 || 0));
    const { tone, label } = o.words.status(scenario.status);
    const address = () => location.href.split("#")[0] + o.route.format({ page: "runs", parts: [run.id, scenario.id], params: { d: all.length > 1 ? chosen + 1 : null } });
    return [
      o.h("a", { class: "back", "data-back": true, "data-key": "Escape", href: o.href("runs", [page.route.parts[0] || "latest"], { all: 1, q: page.route.params.q }) }, "All scenarios"),
      o.h("div", { class: "scenario-head" }, o.h("h2", {}, scenario.name),
        o.h("p", { class: "meta" }, o.badge(tone, label), o.h("span", { class: "mono quiet" }, `${scenario.file}:${scenario.line}`), o.h("span", { class: "quiet" }, o.words.duration(scenario.duration_ms)),
          o.source.kind === "live" && scenario.namespace && o.h("a", { href: o.route.format({ page: "events", params: { ns: scenario.namespace } }) }, `namespace ${scenario.namespace}`),
          (scenario.tags || []).map((tag) => o.h("a", { class: "tag", href: o.href("runs", [page.route.parts[0] || "latest"], { q: o.filter.format([{ field: "tag", value: tag }]), all: 1 }) }, "@" + tag))),
        scenario.teaches && o.h("p", { class: "teaches" }, scenario.teaches)),
      scenario.status === "error" && o.h("p", { class: "callout tone-bad" }, o.icon("bad"), o.h("span", {}, scenario.reason || "The scenario could not run.")),
      all.length > 0 && [o.h("h3", { class: "visually-hidden" }, o.words.plural(all.length, "difference")), card(scenario, all[chosen], chosen, page), overview(scenario, chosen, page)],
      o.h("div", { class: "actions" },
        scenario.rerun && o.h("code", { class: "rerun" }, scenario.rerun),
        scenario.rerun && o.copy("Copy rerun command", scenario.rerun, { "data-key": "r" }),
        o.copy("Copy link", address, { "data-key": "c" }), o.copy("Copy as text", () => o.texts.scenario(scenario))),
      pairs(scenario, chosen), verdicts(scenario), source(scenario), steps(scenario),
    ];
  };
})((globalThis.optilocal = globalThis.optilocal || {}));
