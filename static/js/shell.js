/* What stands around every page: name, ways, namespace, state of the connection, the strip while a fault is active. */
(function (o) {
  "use strict";

  const WAYS = [
    ["home", "Start", false],
    ["runs", "Results", true],
    ["events", "Events", true],
    ["experiments", "Experiments", false],
    ["try", "Try", false],
    ["destination", "Destination", false],
    ["datafiles", "Datafiles", false],
    ["exchanges", "Exchanges", false],
    ["faults", "Faults", false],
    ["erasure", "Erasure", false],
  ];
  const SAME_AS = {
    event: "events",
    received: "events",
    visitor: "events",
    deliveries: "destination",
    forced: "datafiles",
  };
  const STATES = {
    live: ["good", "Live", "The page follows the emulator"],
    paused: ["idle", "Paused", "The tab is hidden; the page goes on when you come back"],
    retrying: ["bad", "Reconnecting", "The emulator does not answer; the page tries again by itself"],
    still: ["idle", "Not live", "This page shows what there was when it was opened"],
    report: ["idle", "Report", "A report of one run; nothing is asked over the network"],
  };
  const NAMESPACES = 300;

  let ways;
  let state;
  let chooser;
  let lastState = "";

  let chosen = "*";
  const lists = {};

  /** A page about one thing: its address names that thing's namespace, which is no choice of the reader's. */
  const isDetail = (route) =>
    route.page === "event" || (["exchanges", "datafiles"].includes(route.page) && route.parts.length > 0);

  /** The namespace that the reader chose, "*" for all of them. */
  function ns() {
    if (!isDetail(o.current)) chosen = o.current.params.ns || "*";
    return chosen;
  }

  /** The way back from a detail: the list as the reader left it. */
  function back(page, label) {
    return o.h("a", { class: "back", "data-back": true, "data-key": "Escape", href: lists[page] || href(page) }, label);
  }

  /** The address of another view; the namespace chosen now goes with it unless params name their own. */
  function href(page, parts, params) {
    const kept = ns() === "*" || o.source.kind === "report" ? {} : { ns: ns() };
    return o.route.format({ page, parts, params: { ...kept, ...params } });
  }

  function build() {
    const top = document.getElementById("top");
    ways = o.h(
      "nav",
      { class: "ways", "aria-label": "Pages" },
      o.h(
        "ul",
        {},
        WAYS.filter(([, , inReport]) => o.source.kind === "live" || inReport).map(([page, label]) =>
          o.h("li", {}, o.h("a", { href: "#/" + page, "data-page": page }, label)),
        ),
      ),
    );
    state = o.h("span", { class: "state", id: "state" });
    chooser = o.h("select", { id: "ns", "aria-label": "Namespace" }, o.h("option", { value: "*" }, "All namespaces"));
    chooser.addEventListener("change", () => {
      const { page, parts, params } = o.current;
      const { ns: _old, after: _cursor, n: _number, ...rest } = params;
      const at = isDetail(o.current)
        ? { page: SAME_AS[page] || page, parts: [], params: {} }
        : { page, parts, params: rest };
      location.hash = o.route.format({
        ...at,
        params: { ...at.params, ns: chooser.value === "*" ? null : chooser.value },
      });
    });
    const keys = o.h(
      "button",
      {
        type: "button",
        class: "button plain",
        "aria-label": "Keys",
        title: "Keys (?)",
        on: { click: () => o.keys.show() },
      },
      "?",
    );
    o.append(top, [
      o.h(
        "a",
        { class: "brand", href: o.source.kind === "live" ? "#/home" : "#/runs/latest" },
        o.svg(
          "svg",
          { viewBox: "0 0 32 16", class: "brand-mark", "aria-hidden": "true" },
          o.svg("path", { d: "M2 8h12", class: "brand-in" }),
          o.svg("path", { d: "M18 1.5v13", class: "brand-stop" }),
          o.svg("path", { d: "M22.5 8h8", class: "brand-out" }),
        ),
        "optilocal",
      ),
      ways,
      o.h("div", { class: "tools" }, state, o.source.kind === "live" && chooser, o.theme.chooser(), keys),
    ]);
    connection(o.source.kind === "report" ? "report" : "still");
  }

  function connection(name) {
    if (name === lastState) return;
    lastState = name;
    const [tone, label, hint] = STATES[name];
    state.replaceChildren(o.h("span", { class: `dot dot-${tone}`, "aria-hidden": "true" }), label);
    state.title = hint;
    if (name === "retrying") o.say(hint);
  }

  /** Remembers the address of a list, filter included, for the way back to it. */
  function stay() {
    const { page, parts } = o.current;
    if (page !== "event" && parts.length === 0) lists[SAME_AS[page] || page] = location.hash;
  }

  /** Marks the way that is open and fills the namespaces in; called on every change of page. */
  function arrive() {
    const page = SAME_AS[o.current.page] || o.current.page;
    stay();
    for (const link of ways.querySelectorAll("a")) {
      if (link.dataset.page === page) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      if (link.dataset.page === page) ways.scrollLeft = link.offsetLeft - ways.clientWidth / 3;
      link.setAttribute("href", href(link.dataset.page, link.dataset.page === "runs" ? ["latest"] : []));
    }
    if (o.source.kind !== "live") return;
    namespaces();
    o.strip.look();
  }

  async function namespaces() {
    let names = [];
    try {
      const all = (await o.source.get("namespaces")).namespaces;
      names = all.sort((a, b) => (b.last_at || 0) - (a.last_at || 0)).map((one) => one.name);
    } catch {
      names = [];
    }
    const most = names.slice(0, NAMESPACES);
    if (ns() !== "*" && !most.includes(ns())) most.push(ns());
    const wanted = ["*", ...most];
    const there = [...chooser.options].filter((one) => !one.disabled).map((one) => one.value);
    if (wanted.join("\n") !== there.join("\n")) {
      chooser.replaceChildren(
        ...wanted.map((name) => o.h("option", { value: name }, name === "*" ? "All namespaces" : name)),
      );
      if (names.length > most.length)
        chooser.append(o.h("option", { disabled: true }, `${o.words.number(names.length - most.length)} older ones`));
    }
    chooser.value = ns();
  }

  o.href = href;
  o.shell = { build, arrive, connection, ns, stay, back };
})((globalThis.optilocal = globalThis.optilocal || {}));
