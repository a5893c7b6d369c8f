/* "Record as a scenario": what was recorded becomes a scenario file that was run once; shown, copied, saved. */
(function (o) {
  "use strict";

  const shell = (text) => (/^[\w.:/@-]+$/.test(text) ? text : "'" + String(text).replace(/'/g, "'\\''") + "'");

  /** The command that does the same in a terminal. */
  function command(ns, messageId) {
    const only = messageId ? ` --message-id ${shell(messageId)}` : "";
    return `optilocal record --emulator ${o.source.root} --namespace ${ns}${only} -o recorded.scenario.yaml`;
  }

  function save(text, name) {
    const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
    o.h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  const closing = () =>
    o.h("button", { type: "button", class: "button", on: { click: (event) => event.target.closest("dialog").close() } }, "Close");

  function shown(ns, { scenario, differences }) {
    const name = `${ns}.scenario.yaml`;
    return [
      o.h("p", {}, "It was run once in a sandbox of its own. Its datafile stands at its end."),
      differences.length > 0 && [
        o.h("p", {}, "Run again, this came out otherwise than it was recorded:"),
        o.h(
          "ul",
          {},
          differences.map((line) => o.h("li", {}, line)),
        ),
      ],
      o.h("pre", { tabindex: "0", class: "recorded" }, scenario),
      o.h(
        "p",
        { class: "actions" },
        o.h("button", { type: "button", class: "button primary", on: { click: () => save(scenario, name) } }, `Save ${name}`),
        o.copy("Copy", scenario),
        closing(),
      ),
    ];
  }

  /** A button that records a namespace, or one event of it, and its dialog. */
  function recordButton(label, ns, messageId) {
    const contents = o.h("div", { class: "recording", "aria-live": "polite" });
    const dialog = o.h("dialog", { class: "wide", "aria-labelledby": "recording-title" });
    o.append(dialog, [
      o.h("h2", { id: "recording-title" }, "Recorded as a scenario"),
      contents,
    ]);
    async function record() {
      contents.replaceChildren(o.h("p", {}, "Recording, and running it once …"));
      dialog.showModal();
      try {
        const recording = await o.source.get("recording", { ns, ...(messageId ? { message_id: messageId } : {}) });
        contents.replaceChildren();
        o.append(contents, shown(ns, recording));
      } catch (error) {
        contents.replaceChildren();
        o.append(contents, [
          o.h("p", { role: "alert" }, error.message),
          o.h("p", { class: "command" }, o.h("code", {}, command(ns, messageId)), o.copy("Copy", command(ns, messageId))),
          o.h("p", { class: "actions" }, closing()),
        ]);
      }
    }
    return [o.h("button", { type: "button", class: "button", on: { click: record } }, label), dialog];
  }

  Object.assign(o, { recordButton });
})((globalThis.optilocal = globalThis.optilocal || {}));
