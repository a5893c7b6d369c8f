/* Light, dark, or as the system says; remembered where the browser lets a page remember. */
(function (o) {
  "use strict";

  const NAMES = ["system", "light", "dark"];
  const KEY = "optilocal.theme";

  function remembered() {
    try {
      const name = localStorage.getItem(KEY);
      return NAMES.includes(name) ? name : "system";
    } catch {
      return "system";
    }
  }

  function use(name) {
    if (name === "system") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", name);
    try {
      localStorage.setItem(KEY, name);
    } catch {
      /* a page from disk may have nothing to remember with: the choice then lasts as long as the page */
    }
  }

  function chooser() {
    const select = o.h(
      "select",
      { id: "theme", "aria-label": "Theme" },
      NAMES.map((name) => o.h("option", { value: name }, o.words.sentence(name))),
    );
    select.value = remembered();
    select.addEventListener("change", () => use(select.value));
    return select;
  }

  use(remembered());
  o.theme = { chooser };
})((globalThis.optilocal = globalThis.optilocal || {}));
