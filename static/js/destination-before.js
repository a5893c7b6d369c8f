/* What Segment does before a destination's mappings: consent, the schema integration filter, filters; the rest as JSON. */
(function (o) {
  "use strict";

  const AS_JSON = [
    ["schema", "Schema controls", "{plan, settings}: a tracking plan and the source's settings for what is not in it."],
    ["transformations", "Transformations", "A list, as Segment's Public API has them."],
  ];

  /** JSON that somebody typed; its error is one that a form tells. */
  o.parsed = function parsed(text) {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new o.data.Problem(400, "json", `This is not valid JSON: ${error.message}`);
    }
  };

  const inJson = { rows: 6, show: (value) => JSON.stringify(value, null, 2), read: (text) => o.parsed(text) };

  /** Categories with commas between them; JSON where there is more than categories. */
  function consentText(now) {
    const other = Object.entries(now || {}).some(([name, value]) => name !== "categories" && value && value.length !== 0);
    if (other) return { ...inJson, hint: "{categories, …} as JSON: more than categories is set." };
    return {
      rows: 1,
      show: (value) => ((value && value.categories) || []).join(", "),
      read: (text) => ({ categories: text.split(",").map((one) => one.trim()).filter(Boolean) }),
      hint: "The categories that this destination is mapped to, with commas between them; empty: consent is not looked at.",
    };
  }

  /** Event names, a line each; JSON where an event has anything but false. */
  function keptText(now) {
    if (Object.values(now || {}).some((value) => value !== false))
      return { ...inJson, hint: "{EVENT NAME: false} as JSON keeps an event from this destination." };
    return {
      rows: 3,
      show: (value) => Object.keys(value || {}).join("\n"),
      read: (text) => Object.fromEntries(text.split("\n").filter((one) => one.trim()).map((one) => [one, false])),
      hint: "Names of the events that this destination does not get, a line each.",
    };
  }

  function part(at, [name, label], { rows, show, read, hint }, now) {
    const text = o.h("textarea", { rows, spellcheck: "false", id: "part-" + name, "aria-describedby": `part-${name}-hint` });
    text.value = show(now);
    const said = o.formLine();
    const save = o.h("button", { type: "button", class: "button" }, `Save ${label.toLowerCase()}`);
    save.addEventListener("click", async () => {
      try {
        const saved = await at.put(name, read(text.value));
        text.value = show(saved[name]);
        said.say("Saved");
      } catch (error) {
        said.fail(error);
      }
    });
    return o.h(
      "div",
      { class: "field" },
      o.h("label", { for: "part-" + name }, label),
      o.h("p", { class: "quiet", id: `part-${name}-hint` }, hint),
      text,
      o.h("div", { class: "actions" }, save, said.node),
    );
  }

  o.beforePanel = function beforePanel(at) {
    const slot = o.h("div", { class: "form" });
    (async () => {
      const names = ["consent", "schema_filter", ...AS_JSON.map(([name]) => name)];
      const [consent, kept, ...rest] = await Promise.all(names.map(async (name) => (await at.get(name))[name]));
      o.append(slot, [
        o.h(
          "p",
          { class: "quiet" },
          "In the order in which Segment applies them: schema controls, transformations of the source, consent, schema integration filter, destination filters, transformations for this destination.",
        ),
        part(at, ["consent", "Consent"], consentText(consent), consent),
        part(at, ["schema_filter", "Schema integration filter"], keptText(kept), kept),
        o.filtersPanel(at),
        AS_JSON.map((one, i) => part(at, one, { ...inJson, hint: one[2] }, rest[i])),
      ]);
    })().catch(at.trouble(slot));
    return slot;
  };
})((globalThis.optilocal = globalThis.optilocal || {}));
