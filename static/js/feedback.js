/* What a page says back: copied or not, aloud to a screen reader, and what to do where there is nothing. */
(function (o) {
  "use strict";

  /** A button that copies; it says so in place and to a screen reader. `text` is a string or a function that gives one. */
  function copy(label, text, attrs) {
    const button = o.h("button", { type: "button", class: "button", ...attrs }, label);
    button.addEventListener("click", async () => {
      const done = await o.clip(typeof text === "function" ? text() : text);
      button.textContent = done ? "Copied" : "Select and copy by hand";
      o.say(done ? `${label}: copied` : "The browser refused the clipboard");
      setTimeout(() => (button.textContent = label), 4000);
    });
    return button;
  }

  /** To the clipboard; pages opened from disk or over plain HTTP have only the older way. */
  async function clip(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = o.h("textarea", { class: "visually-hidden", "aria-hidden": "true", readonly: true });
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  function say(text) {
    const region = document.getElementById("say");
    if (region) region.textContent = text;
  }

  /** An empty state: what is not here, why, and the next command to type. */
  function empty(title, text, command) {
    return o.h(
      "div",
      { class: "empty" },
      o.h("p", { class: "empty-title" }, title),
      text && o.h("p", {}, text),
      command &&
        o.h(
          "p",
          { class: "command" },
          o.h("code", {}, command),
          copy("Copy", command, { "aria-label": `Copy the command ${command}` }),
        ),
    );
  }

  Object.assign(o, { copy, clip, say, empty });
})((globalThis.optilocal = globalThis.optilocal || {}));
