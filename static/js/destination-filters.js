/* Destination filters: the list, and an editor with what a filter does in words; what the form cannot hold is edited as JSON. */
(function (o) {
  "use strict";

  const MOST = 10;
  const DOES = {
    DROP: "Drop the event",
    SAMPLE: "Let only a share of the events pass",
    DROP_PROPERTIES: "Drop these fields",
    ALLOW_PROPERTIES: "Drop all fields but these",
    JSON: "Something else, as JSON",
  };
  const PARTS = ["properties", "traits", "context", "context.traits"];

  /** What the form shows of a filter's actions: their kind, a share in per cent, a place and its fields' names. */
  function formOf(actions) {
    const [action, ...more] = actions;
    const places = Object.entries((action && action.fields) || {});
    const simple =
      action && !more.length && !action.path && places.length < 2 && places.every(([place]) => PARTS.includes(place));
    return {
      kind: simple ? action.type : "JSON",
      percent: action && action.percent !== undefined ? action.percent * 100 : 50,
      place: simple && places.length ? places[0][0] : PARTS[0],
      names: simple && places.length ? places[0][1].join(", ") : "",
      json: JSON.stringify(actions, null, 2),
    };
  }

  const listed = (text) =>
    text
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean);

  function words(action) {
    if (action.type === "SAMPLE")
      return `lets ${action.percent * 100} % pass${action.path ? ", the same for each " + action.path : ""}`;
    if (action.type === "DROP") return "drops the event";
    const fields = Object.entries(action.fields || {}).map(([place, names]) => `${place}: ${names.join(", ")}`);
    return `${action.type === "DROP_PROPERTIES" ? "drops" : "drops all but"} ${fields.join("; ")}`;
  }

  function field(label, id, input, hint) {
    input.id = id;
    return o.h(
      "div",
      { class: "field" },
      o.h("label", { for: id }, label),
      input,
      hint && o.h("p", { class: "quiet" }, hint),
    );
  }

  const choice = (options, chosen) =>
    o.h(
      "select",
      {},
      Object.entries(options).map(([value, label]) => o.h("option", { value, selected: value === chosen }, label)),
    );

  /** The editor of a filter; `save(filter)` and `cancel()` end it. */
  function editor(filter, { at, others, save, cancel }) {
    const form = formOf(filter.actions);
    const title = o.h("input", { type: "text", value: filter.title, autocomplete: "off" });
    const statement = o.h("textarea", { rows: 2, spellcheck: "false" });
    statement.value = filter.if;
    const kind = choice(DOES, form.kind);
    const percent = o.h("input", { type: "number", min: 0, max: 100, step: "any", value: form.percent });
    const place = choice(Object.fromEntries(PARTS.map((one) => [one, one])), form.place);
    const names = o.h("input", { type: "text", value: form.names, autocomplete: "off", spellcheck: "false" });
    const json = o.h("textarea", { rows: 6, spellcheck: "false" });
    json.value = form.json;
    const shown = {
      SAMPLE: [field("Per cent that pass", "filter-percent", percent)],
      JSON: [field("Actions", "filter-json", json, "A list of actions as Segment's Public API has them.")],
    };
    shown.DROP_PROPERTIES = shown.ALLOW_PROPERTIES = [
      field("Where", "filter-place", place),
      field("Field names", "filter-names", names, "With commas between them: email, phone"),
    ];
    const details = o.h("div", { class: "form" });
    const refresh = () => details.replaceChildren(...(shown[kind.value] || []));
    kind.addEventListener("change", refresh);
    refresh();
    const said = o.formLine();

    function actions() {
      if (kind.value === "JSON") return o.parsed(json.value);
      if (kind.value === "SAMPLE") return [{ type: "SAMPLE", percent: Number(percent.value) / 100 }];
      if (kind.value === "DROP") return [{ type: "DROP" }];
      return [{ type: kind.value, fields: { [place.value]: listed(names.value) } }];
    }
    const made = () => ({ ...filter, title: title.value.trim(), if: statement.value.trim(), actions: actions() });
    const keep = o.h("button", { type: "button", class: "button primary" }, "Save filter");
    keep.addEventListener("click", async () => {
      try {
        await save(made());
      } catch (error) {
        said.fail(error);
      }
    });
    return o.h(
      "section",
      { class: "form", "aria-label": "A destination filter" },
      field("Title", "filter-title", title),
      field("Events for which", "filter-if", statement, 'FQL: type = "track" and event = "Order Completed"'),
      field("What it does", "filter-kind", kind),
      details,
      o.h(
        "div",
        { class: "actions" },
        keep,
        o.h("button", { type: "button", class: "button", on: { click: cancel } }, "Cancel"),
        said.node,
      ),
      o.destinationTrial(at, "filter", () => ({ filters: [...others, made()] })),
    );
  }

  /** The list of filters; each change is saved at once. */
  function filtersPanel(at) {
    const slot = o.h("div", { class: "form" });
    const said = o.formLine();
    let filters = [];

    async function store(next) {
      const answer = await at.put("filters", next);
      filters = answer.filters;
      list();
      if (answer.warnings) said.fail(new o.data.Problem(200, "odd", answer.warnings.join("; ")));
      else said.say("Saved");
    }

    function edit(index) {
      said.clear();
      const filter = filters[index] || { title: `Filter ${filters.length + 1}`, if: "", actions: [{ type: "DROP" }], enabled: true };
      const node = editor(filter, {
        at,
        others: filters.filter((_, i) => i !== index),
        save: (made) => store(filters[index] ? filters.map((one, i) => (i === index ? made : one)) : [...filters, made]),
        cancel: list,
      });
      o.refill(slot, [o.h("h2", {}, filters[index] ? `Filter ${filter.title}` : "New filter"), node]);
      node.querySelector("input").focus();
    }

    /** A filter goes at once; until the page is left it can be brought back. */
    async function remove(index) {
      const before = filters;
      await store(filters.filter((_, i) => i !== index));
      said.node.append(
        " ",
        button(`Undo: bring ${before[index].title} back`, null, () => store(before).catch(said.fail)),
      );
    }

    const button = (label, says, act, more) =>
      o.h("button", { type: "button", class: "button", "aria-label": says, on: { click: act }, ...more }, label);

    function row(filter, i) {
      const toggled = () => filters.map((one, j) => (j === i ? { ...one, enabled: !one.enabled } : one));
      return [
        filter.title,
        button(filter.enabled ? "On" : "Off", `${filter.title} is on`, () => store(toggled()).catch(said.fail), {
          role: "switch",
          "aria-checked": String(filter.enabled),
        }),
        o.h("code", {}, filter.if),
        filter.actions.map(words).join("; "),
        o.h(
          "span",
          { class: "actions" },
          button("Edit", `Edit ${filter.title}`, () => edit(i)),
          button("Delete", `Delete ${filter.title}`, () => remove(i).catch(said.fail), { class: "button danger" }),
        ),
      ];
    }

    function list() {
      o.refill(slot, [
        o.h(
          "div",
          { class: "card-head" },
          o.h("h2", {}, `Destination filters (${filters.length} of at most ${MOST})`),
          filters.length < MOST && button("New filter", null, () => edit(filters.length)),
        ),
        filters.length > 0 &&
          o.table(
            "Destination filters",
            [{ label: "Filter" }, { label: "On" }, { label: "Events for which" }, { label: "What it does" }, { label: "Change" }],
            filters.map(row),
            { class: "labelled one-column" },
          ),
        said.node,
      ]);
    }

    (async () => {
      filters = (await at.get("filters")).filters;
      list();
    })().catch(at.trouble(slot));
    return slot;
  }

  o.filtersPanel = filtersPanel;
})((globalThis.optilocal = globalThis.optilocal || {}));
