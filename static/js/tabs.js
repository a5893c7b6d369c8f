/* Tabs that keep the open one in the address. */
(function (o) {
  "use strict";

  /** Tabs as the practice of the field has them: arrows move, the panel follows; the open one stands in the address. */
  function tabbed(label, all, page) {
    const now = all.some(([id]) => id === page.route.params.tab) ? page.route.params.tab : all[0][0];
    const panel = o.h("div", { role: "tabpanel", id: "panel", tabindex: "0", class: "panel" });
    const buttons = all.map(([id, label]) =>
      o.h("button", { type: "button", role: "tab", id: "tab-" + id, "aria-controls": "panel", class: "tab" }, label),
    );
    const open = (at, focus) => {
      buttons.forEach((button, i) => {
        button.setAttribute("aria-selected", String(i === at));
        button.tabIndex = i === at ? 0 : -1;
      });
      panel.setAttribute("aria-labelledby", buttons[at].id);
      o.refill(panel, [all[at][2]()]);
      page.patch({ tab: at ? all[at][0] : null });
      if (focus) buttons[at].focus();
    };
    buttons.forEach((button, i) => {
      button.addEventListener("click", () => open(i, true));
      button.addEventListener("keydown", (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (by) open((i + by + all.length) % all.length, true);
      });
    });
    open(
      all.findIndex(([id]) => id === now),
      false,
    );
    return [o.h("div", { role: "tablist", class: "tablist", "aria-label": label }, buttons), panel];
  }

  o.tabbed = tabbed;
})((globalThis.optilocal = globalThis.optilocal || {}));
