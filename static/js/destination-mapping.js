/* One mapping's editor: its trigger explained while it is typed, each field with its type and default, and what it would do. */
(function (o) {
  "use strict";

  const TYPING_MS = 150;

  /** A field's value as one types it: a path or a text as it is, anything else as JSON. */
  function shown(value) {
    if (value === undefined || value === null) return "";
    const keys = typeof value === "object" ? Object.keys(value) : [];
    if (keys.length === 1 && keys[0] === "@path") return value["@path"];
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /** The reverse: `$.…` is a path, what is JSON is taken as JSON, the rest is a text. Empty leaves the field out. */
  function read(text) {
    const typed = text.trim();
    if (!typed) return undefined;
    if (typed.startsWith("$.")) return { "@path": typed };
    try {
      return JSON.parse(typed);
    } catch {
      return text;
    }
  }

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /** The trigger's field, with its meaning, Segment's own error and what is probably meant below it. */
  function triggerField(given, { at, names }) {
    const input = o.h("textarea", { id: "trigger", rows: 2, spellcheck: "false", "aria-describedby": "trigger-said" });
    input.value = given;
    const said = o.h("div", { id: "trigger-said", class: "said", "aria-live": "polite" });
    let timer;
    async function explain() {
      try {
        const answer = await at.post("trigger", { trigger: input.value, event_names: names() });
        o.refill(said, [
          o.h("p", { class: "quiet" }, answer.meaning),
          answer.problem && o.h("p", {}, o.badge("bad", "Segment says"), " ", o.h("code", {}, answer.problem)),
          answer.notes.map((note) =>
            o.h(
              "p",
              {},
              o.badge("warn", "Probably meant"),
              " ",
              note.text && [o.h("code", {}, note.text), ": "],
              note.message,
            ),
          ),
        ]);
      } catch (error) {
        if (error.name !== "AbortError" && !(error instanceof o.data.Problem)) throw error;
      }
    }
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(explain, TYPING_MS);
    });
    explain();
    return { input, node: o.h("div", { class: "field" }, o.h("label", { for: "trigger" }, "Trigger"), input, said) };
  }

  /** The editor of a mapping; `save(mapping)` and `cancel()` end it. */
  function editor(given, known, { at, isNew, others, save, cancel }) {
    const name = o.h("input", { type: "text", id: "mapping-name", value: given.name, autocomplete: "off" });
    const enabled = o.h("input", { type: "checkbox", id: "mapping-enabled", checked: given.enabled });
    const keys = o.h("datalist", { id: "event-keys" });
    let choices = [];
    const trigger = triggerField(given.trigger, { at, names: () => choices });
    const inputs = new Map();
    const said = o.formLine();
    const keyTrouble = o.h("span", { class: "quiet" });
    at.get("event-keys").then(
      (answer) => {
        choices = answer.choices.map((one) => one.value);
        keys.replaceChildren(...choices.map((value) => o.h("option", { value })));
        if (answer.error) keyTrouble.textContent = ` The list could not be read: ${answer.error.message}.`;
      },
      () => {},
    );

    const rows = known.fields.map((one) => {
      const input = o.h("input", {
        type: "text",
        value: shown(given.fields[one.key]),
        "aria-label": one.label,
        list: one.key === "eventKey" ? "event-keys" : null,
        spellcheck: "false",
        autocomplete: "off",
      });
      inputs.set(one.key, input);
      const usual = o.h(
        "button",
        { type: "button", class: "button", "aria-label": `${one.label}: put the default back` },
        "Default",
      );
      usual.addEventListener("click", () => {
        input.value = shown(one.default);
        input.focus();
      });
      return [
        [o.h("strong", {}, one.label), one.required && o.h("span", { class: "quiet" }, " required")],
        one.type,
        [
          input,
          one.key === "eventKey" && o.h("p", { class: "quiet" }, "$.event, or one of the datafile's keys.", keyTrouble),
        ],
        [o.h("code", { class: "quiet" }, shown(one.default)), " ", usual],
      ];
    });

    function made() {
      const fields = Object.fromEntries(
        [...inputs].map(([key, input]) => [key, read(input.value)]).filter(([, value]) => value !== undefined),
      );
      const original = known.fields.every((one) => same(fields[one.key], given.fields[one.key]));
      // What the form does not show, a directive of the whole mapping say, stays as it is.
      const more = Object.fromEntries(Object.entries(given.fields).filter(([key]) => !inputs.has(key)));
      return {
        name: name.value.trim(),
        trigger: trigger.input.value,
        enabled: enabled.checked,
        fields: original ? given.fields : { ...more, ...fields },
      };
    }

    const trial = o.destinationTrial(at, "mapping", () => ({ mappings: [...others, made()] }));
    const keep = o.h("button", { type: "button", class: "button primary" }, "Save mapping");
    keep.addEventListener("click", () => save(made()).catch(said.fail));
    return o.h(
      "section",
      { class: "form", "aria-labelledby": "mapping-title" },
      o.h("h2", { id: "mapping-title" }, isNew ? "New mapping" : `Mapping ${given.name}`),
      o.h("div", { class: "field" }, o.h("label", { for: "mapping-name" }, "Name"), name),
      o.h("p", {}, enabled, " ", o.h("label", { for: "mapping-enabled" }, "On")),
      trigger.node,
      keys,
      o.h(
        "p",
        { class: "quiet" },
        'A value that begins with $. is a path in the event; JSON is taken as it is, {"@template": …} too; anything else is a text.',
      ),
      o.table(
        "Fields of the mapping",
        [{ label: "Field" }, { label: "Type" }, { label: "Value" }, { label: "Default" }],
        rows,
        { class: "labelled mapping-fields" },
      ),
      o.h(
        "div",
        { class: "actions" },
        keep,
        o.h("button", { type: "button", class: "button", on: { click: cancel } }, "Cancel"),
        said.node,
      ),
      trial,
    );
  }

  o.destinationMapping = { editor, read, shown };
})((globalThis.optilocal = globalThis.optilocal || {}));
