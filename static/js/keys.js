/* The keyboard: a key works the control that carries it in data-key; j and k move through the rows of a list. */
(function (o) {
  "use strict";

  const KEYS = [
    ["/", "Go to the filter, or search everything"],
    ["g", "Search everything"],
    ["j / k, ↓ / ↑", "Next or previous row"],
    ["Enter", "Open the row"],
    ["Esc", "Back to the list, to the row you came from"],
    ["n / p", "Next or previous difference"],
    ["f / a", "Failed only, all"],
    ["[ / ]", "Previous or next tab"],
    ["r", "Copy the command that runs the scenario again"],
    ["c", "Copy a link to this view"],
    ["?", "This list"],
  ];

  const typing = (node) => node && (node.isContentEditable || /^(input|select|textarea)$/i.test(node.tagName));
  const seen = (node) => node.getClientRects().length > 0;
  const rows = () => [...document.querySelectorAll("[data-row]")].filter(seen);

  /** One row of a list is a tab stop; moving takes the stop along. */
  function move(by, mustBeIn) {
    const all = rows();
    const at = all.indexOf(document.activeElement);
    if (!all.length || (mustBeIn && at < 0)) return false;
    const stop = all.findIndex((row) => row.tabIndex === 0);
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? Math.max(stop, 0) : at + by))];
    focus(next, all);
    return true;
  }

  function focus(row, all = rows()) {
    for (const one of all) one.tabIndex = one === row ? 0 : -1;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  /** After a list is drawn: its first row is the tab stop, or the row that was left, which also takes the focus back. */
  function settle(list) {
    if (!list.isConnected) return;
    const all = [...list.querySelectorAll("[data-row]")];
    const left = o.lastRow && all.find((row) => row.getAttribute("href") === o.lastRow);
    const current = all.find((row) => row.getAttribute("aria-current"));
    all.forEach((row) => (row.tabIndex = -1));
    if (!all.length) return;
    (left || current || all[0]).tabIndex = 0;
    if (left && seen(left) && o.goingBack) {
      left.focus();
      left.scrollIntoView({ block: "nearest" });
    }
    o.goingBack = false;
  }

  function tab(by) {
    const tabs = [...document.querySelectorAll('[role="tab"]')].filter(seen);
    const at = tabs.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (at < 0) return false;
    tabs[(at + by + tabs.length) % tabs.length].click();
    return true;
  }

  function press(key) {
    if (key === "g" && o.source.kind === "live") return searchAll();
    const control = [...document.querySelectorAll("[data-key]")].find(
      (one) => one.dataset.key.split(" ").includes(key) && (key === "Escape" || seen(one)),
    );
    if (!control) return key === "/" && o.source.kind === "live" && searchAll();
    if (key === "/") control.focus();
    else control.click();
    return true;
  }

  function searchAll() {
    location.hash = o.href("search");
    return true;
  }

  function show() {
    const dialog = document.getElementById("keys");
    dialog.replaceChildren(
      o.h("h2", { id: "keys-title" }, "Keys"),
      o.h(
        "dl",
        { class: "key-list" },
        KEYS.map(([key, does]) => o.h("div", {}, o.h("dt", {}, o.h("kbd", {}, key)), o.h("dd", {}, does))),
      ),
      o.h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Close"),
    );
    dialog.showModal();
  }

  function listen() {
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (document.getElementById("keys").open) return;
      if (typing(event.target)) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      const done =
        event.key === "j"
          ? move(1)
          : event.key === "k"
            ? move(-1)
            : event.key === "ArrowDown"
              ? move(1, true)
              : event.key === "ArrowUp"
                ? move(-1, true)
                : event.key === "["
                  ? tab(-1)
                  : event.key === "]"
                    ? tab(1)
                    : event.key === "?"
                      ? (show(), true)
                      : press(event.key);
      if (done) event.preventDefault();
    });
    document.addEventListener("click", (event) => {
      const target = event.target;
      if (target.closest("#skip")) {
        event.preventDefault();
        document.getElementById("main").focus();
        return;
      }
      const back = target.closest("[data-back]");
      if (back) o.goingBack = true;
      const row = target.closest("tr[data-open], li[data-open]");
      if (!row) return;
      const link = row.querySelector("[data-row]");
      o.lastRow = link.getAttribute("href");
      if (!target.closest("a, button, summary, input, select") && !String(getSelection())) link.click();
    });
  }

  o.keys = { listen, show, settle };
})((globalThis.optilocal = globalThis.optilocal || {}));
