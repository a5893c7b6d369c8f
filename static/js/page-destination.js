/* Destination: its settings, its mappings, and what Segment does before them, as Segment's own app has them. */
(function (o) {
  "use strict";

  const path = (name) => `forwarder/_forwarder/${name.replace(/_/g, "-")}`;

  function mappingsPanel(at, page) {
    const slot = o.h("div", { class: "form" });
    let mappings = [];
    let known = null;
    const said = o.formLine();

    async function store(next) {
      const answer = await at.put("mappings", next);
      mappings = answer.mappings;
      list();
      if ((answer.warnings || []).length) said.fail(new o.data.Problem(200, "odd", answer.warnings.join(" ")));
      else said.say("Saved");
    }

    function edit(index) {
      said.clear();
      const given = mappings[index] || {
        name: `Mapping ${mappings.length + 1}`,
        trigger: known.trigger,
        enabled: true,
        fields: Object.fromEntries(known.fields.map((one) => [one.key, one.default])),
      };
      const editor = o.destinationMapping.editor(given, known, {
        at,
        isNew: !mappings[index],
        others: mappings.filter((_, i) => i !== index),
        save: async (made) => {
          await store(mappings[index] ? mappings.map((one, i) => (i === index ? made : one)) : [...mappings, made]);
          slot.querySelector("h2").focus();
        },
        cancel: list,
      });
      slot.replaceChildren(editor);
      editor.querySelector("input").focus();
    }

    function list() {
      o.refill(slot, [
        o.h(
          "div",
          { class: "card-head" },
          o.h("h2", { tabindex: "-1" }, `Mappings (${mappings.length} of at most ${known.most})`),
          mappings.length < known.most &&
            o.h(
              "button",
              { type: "button", class: "button", on: { click: () => edit(mappings.length) } },
              "New mapping",
            ),
        ),
        mappings.length
          ? o.table(
              "Mappings of the destination",
              [
                { label: "Mapping" },
                { label: "On" },
                { label: "Trigger" },
                { label: "Event Key" },
                { label: "Change" },
              ],
              mappings.map((one, i) => [
                one.name,
                o.h(
                  "button",
                  {
                    type: "button",
                    class: "button",
                    role: "switch",
                    "aria-checked": String(one.enabled),
                    "aria-label": `${one.name} is on`,
                    on: {
                      click: () =>
                        store(mappings.map((other, j) => (j === i ? { ...one, enabled: !one.enabled } : other))).catch(
                          said.fail,
                        ),
                    },
                  },
                  one.enabled ? "On" : "Off",
                ),
                o.h("code", {}, one.trigger),
                o.h("code", {}, o.diff.show(one.fields.eventKey)),
                o.h(
                  "span",
                  { class: "actions" },
                  o.h(
                    "button",
                    { type: "button", class: "button", "aria-label": `Edit ${one.name}`, on: { click: () => edit(i) } },
                    "Edit",
                  ),
                  o.h(
                    "button",
                    {
                      type: "button",
                      class: "button danger",
                      "aria-label": `Delete ${one.name}`,
                      on: { click: () => remove(i) },
                    },
                    "Delete",
                  ),
                ),
              ]),
              { class: "labelled" },
            )
          : o.empty("No mapping", "Without a mapping nothing is sent to Optimizely."),
        said.node,
      ]);
    }

    /** A mapping goes at once; until the page is left it can be brought back. */
    async function remove(index) {
      const before = mappings;
      await store(mappings.filter((_, i) => i !== index)).catch(said.fail);
      if (mappings.length === before.length) return;
      said.node.append(
        " ",
        o.h(
          "button",
          { type: "button", class: "button", on: { click: () => store(before).catch(said.fail) } },
          `Undo: bring ${before[index].name} back`,
        ),
      );
    }

    (async () => {
      [known, { mappings }] = await Promise.all([at.get("fields"), at.get("mappings")]);
      list();
    })().catch(at.trouble(slot));
    page.signal.addEventListener("abort", () => slot.replaceChildren());
    return slot;
  }

  async function destination(page) {
    page.title("Destination");
    const ns = o.shell.ns() === "*" ? undefined : o.shell.ns();
    const { forwarder } = await o.source.about(page.signal);
    if (!forwarder) return page.show(o.h("h1", {}, "Destination"), o.noForwarder());
    const send = (method) => (name, body) =>
      o.source.send(method, path(name), { params: { ns }, body, signal: page.signal });
    const at = {
      ns,
      get: (name) => o.source.get(path(name), { ns }, { signal: page.signal }),
      put: send("PUT"),
      post: send("POST"),
      signal: page.signal,
      trouble: (slot) => (error) => {
        if (error.name === "AbortError") return;
        if (!(error instanceof o.data.Problem)) throw error;
        slot.replaceChildren(o.h("p", { class: "callout tone-bad" }, o.icon("bad"), o.h("span", {}, error.message)));
      },
    };
    page.show(
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, "Destination"),
        o.meta(
          `Optimizely Feature Experimentation (Actions), namespace ${ns || "default"}`,
          o.h("a", { href: o.href("deliveries") }, "Deliveries"),
        ),
      ),
      o.h(
        "div",
        {},
        o.tabbed(
          "Parts of the destination",
          [
            ["settings", "Settings", () => o.settingsForm(at)],
            ["mappings", "Mappings", () => mappingsPanel(at, page)],
            ["before", "Before the mappings", () => o.beforePanel(at)],
          ],
          page,
        ),
      ),
    );
  }

  o.views.destination = destination;
})((globalThis.optilocal = globalThis.optilocal || {}));
