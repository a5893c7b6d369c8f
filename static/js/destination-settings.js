/* The destination's settings, and the line below a form that says what became of it. */
(function (o) {
  "use strict";

  const MASK = "********";

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

  o.formLine = line;
  o.settingsForm = settingsForm;
})((globalThis.optilocal = globalThis.optilocal || {}));
