/* The destination's settings, and what Segment does before its mappings: two forms. */
(function (o) {
  "use strict";

  const MASK = "********";
  const PARTS = [
    [
      "filters",
      "Destination filters",
      "A list of {title, if, actions, enabled} in FQL, as Segment's Public API has them.",
    ],
    ["consent", "Consent", "{categories}: those that this destination is mapped to."],
    ["schema", "Schema controls", "{plan, settings}: a tracking plan and the source's settings for what is not in it."],
    ["schema_filter", "Schema integration filter", "{EVENT NAME: false} keeps an event from this destination."],
    ["transformations", "Transformations", "A list, as Segment's Public API has them."],
  ];

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
        return [
          node,
          o.h(
            "div",
            { class: "field" },
            o.h("label", { for: id }, label),
            node,
            hint && o.h("p", { class: "quiet" }, hint),
          ),
        ];
      };
      const [account, accountField] = input("Account ID", settings.accountId);
      const [url, urlField] = input(
        "Datafile URL",
        settings.dataFileUrl,
        "The real address; here it leads to this emulator's CDN.",
      );
      const [token, tokenField] = input(
        "Personal access token",
        settings.accessToken,
        "For deletions. Shown masked; leave it as it is to keep it.",
      );
      const enabled = o.h("input", { type: "checkbox", id: "setting-enabled", checked: settings.enabled !== false });
      const values = () => ({
        enabled: enabled.checked,
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
        const tried = Object.fromEntries(
          Object.entries({ ...settings, ...values() }).filter(([, value]) => value !== null),
        );
        try {
          const answer = await at.post("test-authentication", tried);
          if (answer.ok) said.say("The datafile can be fetched");
          else said.fail(new o.data.Problem(400, "refused", `Segment says: ${answer.error.message}`));
        } catch (error) {
          said.fail(error);
        }
      });
      o.append(slot, [
        o.h("p", {}, enabled, " ", o.h("label", { for: "setting-enabled" }, "The destination is on")),
        accountField,
        urlField,
        tokenField,
        o.h("div", { class: "actions" }, save, test, said.node),
        o.h(
          "p",
          { class: "quiet" },
          "As at Segment the test fetches the datafile; neither account nor token is looked at.",
        ),
      ]);
    })().catch(at.trouble(slot));
    return slot;
  }

  function beforePanel(at) {
    const slot = o.h("div", { class: "form" });
    (async () => {
      const now = await Promise.all(PARTS.map(([name]) => at.get(name)));
      o.append(slot, [
        o.h(
          "p",
          { class: "quiet" },
          "In the order in which Segment applies them: schema controls, transformations of the source, consent, schema integration filter, destination filters, transformations for this destination.",
        ),
        PARTS.map(([name, label, hint], i) => {
          const text = o.h("textarea", {
            rows: 6,
            spellcheck: "false",
            id: "part-" + name,
            "aria-describedby": `part-${name}-hint`,
          });
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
              said.fail(
                error instanceof SyntaxError
                  ? new o.data.Problem(400, "json", `This is not valid JSON: ${error.message}`)
                  : error,
              );
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

  o.formLine = line;
  o.destinationSettings = { settingsForm, beforePanel };
})((globalThis.optilocal = globalThis.optilocal || {}));
