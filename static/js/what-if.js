/* "As if": the same event under other conditions, stage by stage beside the first; the first stage that differs is marked. */
(function (o) {
  "use strict";

  const MOST = 4;

  /** The kinds of condition; `make(event, value)` gives what is asked of the preview. */
  const KINDS = [
    [
      "revenue",
      "Revenue is",
      (event, value) => ({
        events: [o.eventForm.withValue(event, ["properties", "revenue"], o.eventForm.valueOf(value))],
      }),
    ],
    [
      "user",
      "User ID is",
      (event, value) => ({ events: [o.eventForm.withValue(event, ["userId"], value || undefined)] }),
    ],
    ["event", "Event name is", (event, value) => ({ events: [{ ...event, event: value }] })],
    ["running", "This experiment runs", (event, value) => ({ events: [event], running: [value] })],
    [
      "mapping",
      "Only this mapping is on",
      (event, value, known) => ({
        events: [event],
        mappings: known.mappings.map((one) => ({ ...one, enabled: one.name === value })),
      }),
    ],
  ];

  /** The stages of several verdicts, row by row: [{title, cells: [{state, line, differs}]}]; differs marks a column's first. */
  function compare(verdicts) {
    const columns = verdicts.map((one) => new Map(o.journey.stages(one).map((stage) => [stage.id, stage])));
    const order = [...columns].sort((a, b) => b.size - a.size)[0];
    const marked = new Set();
    return [...order.keys()].map((id) => ({
      title: order.get(id).title,
      cells: columns.map((column, i) => {
        const stage = column.get(id) || { state: "passed", line: "nothing configured" };
        const first = columns[0].get(id);
        const other = i > 0 && (!first || first.state !== stage.state || first.line !== stage.line);
        const differs = other && !marked.has(i);
        if (differs) marked.add(i);
        return { ...stage, differs };
      }),
    }));
  }

  const TONES = { passed: "good", done: "good", ended: "bad", unreached: "idle", verdict: "idle", skipped: "idle" };

  function table(labels, verdicts) {
    return o.table(
      "The event under other conditions",
      [{ label: "Stage" }, ...labels.map((label) => ({ label }))],
      [
        ...compare(verdicts).map((row) => [
          row.title,
          ...row.cells.map((cell) =>
            o.h(
              "span",
              { class: cell.differs ? "differs" : null },
              o.badge(TONES[cell.state] || "idle", cell.line),
              cell.differs && o.h("strong", {}, " differs first here"),
            ),
          ),
        ]),
        ["Verdict", ...verdicts.map((one) => o.outcomeBadge(one.outcome))],
      ],
      { class: "as-if labelled" },
    );
  }

  /** The section below the preview; `known` is {names, experiments, mappings}, `ask(body)` gives the verdicts of a preview. */
  function whatIf(known, ask) {
    let base = null; // {event, verdict}
    const added = []; // [{label, make}]
    const select = o.h(
      "select",
      { "aria-label": "Condition" },
      KINDS.map(([id, label]) => o.h("option", { value: id }, label)),
    );
    const value = o.h("input", {
      type: "text",
      "aria-label": "Value of the condition",
      list: "as-if-values",
      spellcheck: "false",
      autocomplete: "off",
    });
    const values = o.h("datalist", { id: "as-if-values" });
    const result = o.h("div", { class: "as-if-result", "aria-live": "polite" });
    const offer = () => {
      const lists = { event: known.names, running: known.experiments, mapping: known.mappings.map((one) => one.name) };
      values.replaceChildren(...(lists[select.value] || []).map((one) => o.h("option", { value: one })));
      value.value = select.value === "revenue" ? "999" : (lists[select.value] || [])[0] || "";
    };
    select.addEventListener("change", offer);
    const button = o.h("button", { type: "button", class: "button" }, "Compare");
    button.addEventListener("click", () => {
      const [, label, make] = KINDS.find(([id]) => id === select.value);
      const typed = value.value;
      if (added.length === MOST) added.shift();
      added.push({ label: `${label} ${typed}`, make: (event) => make(event, typed, known) });
      return draw();
    });

    async function draw() {
      if (!base || !added.length) return result.replaceChildren();
      try {
        const others = [];
        for (const one of added) others.push((await ask(one.make(base.event)))[0]);
        o.refill(result, [
          table(["As it is", ...added.map((one) => one.label)], [base.verdict, ...others]),
          o.h(
            "button",
            { type: "button", class: "button", on: { click: () => (added.splice(0), draw()) } },
            "Take the conditions away",
          ),
        ]);
      } catch (error) {
        if (error.name === "AbortError") return;
        result.replaceChildren(o.h("p", { class: "callout tone-bad" }, o.icon("bad"), o.h("span", {}, error.message)));
      }
    }

    offer();
    const node = o.h(
      "section",
      { class: "card", "aria-labelledby": "as-if-title" },
      o.h("h2", { id: "as-if-title" }, "As if"),
      o.h("p", { class: "quiet" }, "The same event under another condition, stage by stage. Nothing is sent."),
      o.h("div", { class: "toolbar" }, select, value, values, button),
      result,
    );
    return {
      node,
      /** Another event, or another verdict on it, to compare with. */
      show(event, verdict) {
        base = { event, verdict };
        return draw();
      },
    };
  }

  o.whatIf = { whatIf, compare };
})((globalThis.optilocal = globalThis.optilocal || {}));
