/* Destination: its settings, its mappings, and what Segment does before them, as Segment's own app has them. */
(function (o) {
  "use strict";

  const MASK = "********";
  const PARTS = [
    ["filters", "Destination filters", "A list of {title, if, actions, enabled} in FQL, as Segment's Public API has them."],
    ["consent", "Consent", "{categories}: those that this destination is mapped to."],
    ["schema", "Schema controls", "{plan, settings}: a tracking plan and the source's settings for what is not in it."],
    ["schema_filter", "Schema integration filter", "{EVENT NAME: false} keeps an event from this destination."],
    ["transformations", "Transformations", "A list, as Segment's Public API has them."],
  ];

  const path = (name) => `forwarder/_forwarder/${name.replace(/_/g, "-")}`;

  /** One line of success or trouble below a form. */
  function line() {
    const node = o.h("p", { role: "status", class: "form-line" });
    return {
      node,
      say: (text) => node.replaceChildren(o.badge("good", text)),
      fail(error) {
        if (error.name === "AbortError") return;
        if (!(error instanceof o.data.Problem)) throw error;
        node.replaceChildren(o.icon("bad"), " ", o.h("span", { class: "problem" }, error.message));
      },
      clear: () => node.replaceChildren(),
    };
  }

  function settingsForm(at) {
    const slot = o.h("div", { class: "form" });
    (async () => {
      const settings = await at.get("settings");
      const said = line();
      const input = (label, value, hint) => {
        const node = o.h("input", { type: "text", value: value || "", spellcheck: "false", autocomplete: "off" });
        const id = "setting-" + label.toLowerCase().replace(/\W+/g, "-");
        node.id = id;
        return [node, o.h("div", { class: "field" }, o.h("label", { for: id }, label), node, hint && o.h("p", { class: "quiet" }, hint))];
      };
      const [account, accountField] = input("Account ID", settings.accountId);
      const [url, urlField] = input("Datafile URL", settings.dataFileUrl, "The real address; here it leads to this emulator's CDN.");
      const [token, tokenField] = input("Personal access token", settings.accessToken, "For deletions. Shown masked; leave it as it is to keep it.");
      const values = () => ({
        accountId: account.value || null,
        dataFileUrl: url.value || null,
        ...(token.value === MASK ? {} : { accessToken: token.value || null }),
      });
      const save = o.h("button", { type: "button", class: "button primary" }, "Save settings");
      const test = o.h("button", { type: "button", class: "button" }, "Test authentication");
      save.addEventListener("click", () =>
        at.put("settings", values()).then((saved) => {
          token.value = saved.accessToken || "";
          said.say("Saved");
        }, said.fail),
      );
      test.addEventListener("click", async () => {
        const tried = Object.fromEntries(Object.entries({ ...settings, ...values() }).filter(([, value]) => value !== null));
        try {
          const answer = await at.post("test-authentication", tried);
          if (answer.ok) said.say("The datafile can be fetched");
          else said.fail(new o.data.Problem(400, "refused", `Segment says: ${answer.error.message}`));
        } catch (error) {
          said.fail(error);
        }
      });
      o.append(slot, [
        accountField,
        urlField,
        tokenField,
        o.h("div", { class: "actions" }, save, test, said.node),
        o.h("p", { class: "quiet" }, "As at Segment the test fetches the datafile; neither account nor token is looked at."),
      ]);
    })().catch(at.trouble(slot));
    return slot;
  }

  function mappingsPanel(at, page) {
    const slot = o.h("div", { class: "form" });
    let mappings = [];
    let known = null;
    const said = line();

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
          mappings.length < known.most && o.h("button", { type: "button", class: "button", on: { click: () => edit(mappings.length) } }, "New mapping"),
        ),
        mappings.length
          ? o.table(
              "Mappings of the destination",
              [{ label: "Mapping" }, { label: "On" }, { label: "Trigger" }, { label: "Event Key" }, { label: "Change" }],
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
                    on: { click: () => store(mappings.map((other, j) => (j === i ? { ...one, enabled: !one.enabled } : other))).catch(said.fail) },
                  },
                  one.enabled ? "On" : "Off",
                ),
                o.h("code", {}, one.trigger),
                o.h("code", {}, o.diff.show(one.fields.eventKey)),
                o.h(
                  "span",
                  { class: "actions" },
                  o.h("button", { type: "button", class: "button", "aria-label": `Edit ${one.name}`, on: { click: () => edit(i) } }, "Edit"),
                  o.h("button", { type: "button", class: "button danger", "aria-label": `Delete ${one.name}`, on: { click: () => remove(i) } }, "Delete"),
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
      said.node.append(" ", o.h("button", { type: "button", class: "button", on: { click: () => store(before).catch(said.fail) } }, `Undo: bring ${before[index].name} back`));
    }

    (async () => {
      [known, { mappings }] = await Promise.all([at.get("fields"), at.get("mappings")]);
      list();
    })().catch(at.trouble(slot));
    page.signal.addEventListener("abort", () => slot.replaceChildren());
    return slot;
  }

  function beforePanel(at) {
    const slot = o.h("div", { class: "form" });
    (async () => {
      const now = await Promise.all(PARTS.map(([name]) => at.get(name)));
      o.append(slot, [
        o.h("p", { class: "quiet" }, "In the order in which Segment applies them: schema controls, transformations of the source, consent, schema integration filter, destination filters, transformations for this destination."),
        PARTS.map(([name, label, hint], i) => {
          const text = o.h("textarea", { rows: 6, spellcheck: "false", id: "part-" + name, "aria-describedby": `part-${name}-hint` });
          text.value = JSON.stringify(now[i][name], null, 2);
          const said = line();
          const save = o.h("button", { type: "button", class: "button" }, `Save ${label.toLowerCase()}`);
          save.addEventListener("click", async () => {
            try {
              const given = JSON.parse(text.value);
              const saved = await at.put(name, given);
              text.value = JSON.stringify(saved[name], null, 2);
              said.say("Saved");
            } catch (error) {
              said.fail(error instanceof SyntaxError ? new o.data.Problem(400, "json", `This is no JSON: ${error.message}`) : error);
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
        }),
      ]);
    })().catch(at.trouble(slot));
    return slot;
  }

  async function destination(page) {
    page.title("Destination");
    const ns = o.shell.ns() === "*" ? undefined : o.shell.ns();
    const { forwarder } = await o.source.about(page.signal);
    if (!forwarder) return page.show(o.h("h1", {}, "Destination"), o.noForwarder());
    const send = (method) => (name, body) => o.source.send(method, path(name), { params: { ns }, body, signal: page.signal });
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
        o.meta(`Optimizely Feature Experimentation (Actions), namespace ${ns || "default"}`, o.h("a", { href: o.href("deliveries") }, "Deliveries")),
      ),
      o.h(
        "div",
        {},
        o.tabbed(
          "Parts of the destination",
          [
            ["settings", "Settings", () => settingsForm(at)],
            ["mappings", "Mappings", () => mappingsPanel(at, page)],
            ["before", "Before the mappings", () => beforePanel(at)],
          ],
          page,
        ),
      ),
    );
  }

  o.formLine = line;
  o.views.destination = destination;
})((globalThis.optilocal = globalThis.optilocal || {}));
