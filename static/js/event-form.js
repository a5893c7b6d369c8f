/* An event as a form and as JSON, one beside the other: a change of either shows in both. */
(function (o) {
  "use strict";

  const TYPES = ["track", "identify", "page", "screen", "group", "alias"];
  const TRAITS = ["context", "traits"];
  const NAMED = { page: "name", screen: "name" };
  const FIELDS = { track: "properties", page: "properties", screen: "properties", identify: "traits", group: "traits" };

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

  /** What was typed into a value's field: JSON where it is some, else the text. */
  function valueOf(text) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  const shown = (value) =>
    typeof value === "string" && typeof valueOf(value) === "string" ? value : JSON.stringify(value);

  /** A copy of an event with one value set at a path; undefined takes it away. */
  function withValue(event, path, value) {
    const [name, ...deeper] = path;
    const copy = { ...(isObject(event) ? event : {}) };
    const inner = deeper.length ? withValue(copy[name], deeper, value) : value;
    if (inner === undefined || (deeper.length && isObject(inner) && !Object.keys(inner).length)) delete copy[name];
    else copy[name] = inner;
    return copy;
  }

  const at = (event, path) => path.reduce((inner, name) => (isObject(inner) ? inner[name] : undefined), event);

  /** Names and values of one object of the event, one pair a row, with an empty row for the next; `change(object)` hears of
   *  each change, with undefined when nothing is left. */
  function pairs(label, object, change) {
    const rows = [];
    const set = o.h("fieldset", { class: "pairs-form" }, o.h("legend", {}, label));
    const input = (what, value) =>
      o.h("input", {
        type: "text",
        value,
        "aria-label": `${label}: ${what} ${rows.length + 1}`,
        placeholder: what,
        spellcheck: "false",
        on: { change: read },
      });

    function read() {
      const all = rows.filter(([name]) => name.value).map(([name, value]) => [name.value, valueOf(value.value)]);
      if (rows[rows.length - 1][0].value) add("", "");
      change(all.length ? Object.fromEntries(all) : undefined);
    }

    function add(name, value) {
      const row = [input("name", name), input("value", value)];
      rows.push(row);
      set.append(o.h("div", { class: "pair" }, row));
    }

    for (const [name, value] of Object.entries(isObject(object) ? object : {})) add(name, shown(value));
    add("", "");
    return set;
  }

  /** The form: `event` to begin with, `names` to choose from; `onChange(event)` hears of each change, with null while the
   *  text is no event. Gives {node, event()}. */
  function eventForm(event, names, onChange) {
    let now = event;
    const form = o.h("div", { class: "event-form" });
    const text = o.h("textarea", {
      id: "event-json",
      rows: 14,
      spellcheck: "false",
      "aria-describedby": "event-json-problem",
    });
    const problem = o.h("p", { id: "event-json-problem", class: "tone-bad problem", role: "status" });

    function change(next, from) {
      now = next;
      if (from === "form") {
        text.value = JSON.stringify(next, null, 2);
        problem.textContent = "";
      } else drawForm();
      onChange(next);
    }

    function drawForm() {
      const type = TYPES.includes(now.type) ? now.type : "track";
      const select = o.h(
        "select",
        {},
        TYPES.map((name) => o.h("option", { value: name, selected: name === type }, name)),
      );
      select.addEventListener("change", () => {
        change({ ...now, type: select.value }, "form");
        drawForm();
      });
      const input = (path, list) => {
        const value = at(now, path);
        const node = o.h("input", {
          type: "text",
          value: value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value),
          list,
          spellcheck: "false",
          autocomplete: "off",
        });
        // Ids and names are texts, also those that look like numbers.
        node.addEventListener("change", () =>
          change(withValue(now, path, node.value === "" ? undefined : node.value), "form"),
        );
        return node;
      };
      const inner = FIELDS[type];
      o.refill(form, [
        o.field("Type", select),
        type === "track" && o.field("Event name", input(["event"], "event-names")),
        NAMED[type] && o.field("Name", input([NAMED[type]])),
        type === "group" && o.field("Group ID", input(["groupId"])),
        type === "alias" && o.field("Previous ID", input(["previousId"])),
        o.field("User ID", input(["userId"])),
        o.field("Anonymous ID", input(["anonymousId"])),
        inner &&
          pairs(o.words.sentence(inner), at(now, [inner]), (object) => change(withValue(now, [inner], object), "form")),
        inner !== "traits" &&
          pairs("Context traits", at(now, TRAITS), (object) => change(withValue(now, TRAITS, object), "form")),
        o.h(
          "datalist",
          { id: "event-names" },
          names.map((name) => o.h("option", { value: name })),
        ),
      ]);
    }

    text.addEventListener("input", () => {
      let read;
      try {
        read = JSON.parse(text.value);
      } catch (error) {
        problem.textContent = `This is not valid JSON: ${error.message}`;
        onChange(null);
        return;
      }
      if (!isObject(read)) {
        problem.textContent = "An event is a JSON object, { … }.";
        onChange(null);
        return;
      }
      problem.textContent = "";
      change(read, "text");
    });
    text.value = JSON.stringify(now, null, 2);
    drawForm();
    const node = o.h(
      "div",
      { class: "composer" },
      form,
      o.h("div", { class: "field" }, o.h("label", { for: "event-json" }, "Event JSON"), text, problem),
    );
    return { node, event: () => now };
  }

  o.eventForm = { eventForm, withValue, valueOf };
})((globalThis.optilocal = globalThis.optilocal || {}));
