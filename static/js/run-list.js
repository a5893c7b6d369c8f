/* A run's scenarios as a list: what failed first, then, where they are many, by theme and file; paths as short as they can be. */
(function (o) {
  "use strict";

  const MANY = 20;
  const bad = (one) => one.status === "failed" || one.status === "error";
  const folders = (file) =>
    String(file || "")
      .split("/")
      .slice(0, -1);

  /** How many leading folders all files share: their names tell nothing. */
  function shared(files) {
    const all = files.map(folders);
    let depth = 0;
    while (all.length && all.every((one) => one.length > depth && one[depth] === all[0][depth])) depth += 1;
    return depth;
  }

  /** File → {theme, short}: its first folder that not all share, and its path from there. */
  function places(scenarios) {
    const depth = shared(scenarios.map((one) => one.file));
    return new Map(
      scenarios.map((one) => {
        const parts = String(one.file || "")
          .split("/")
          .slice(depth);
        return [one.file, { theme: parts.length > 1 ? parts[0] : "", short: parts.join("/") }];
      }),
    );
  }

  function row(one, place, href, open) {
    const { tone, label } = o.words.status(one.status);
    return o.h(
      "li",
      { "data-open": true, class: "row tone-" + tone + (one === open ? " is-open" : "") },
      o.h(
        "div",
        { class: "row-head" },
        o.icon(tone),
        o.h("span", { class: "visually-hidden" }, label + ": "),
        o.h("a", { href: href(one), "data-row": true, "aria-current": one === open ? "true" : null }, one.name),
        o.h("span", { class: "row-time num" }, o.words.duration(one.duration_ms)),
      ),
      bad(one) && o.h("p", { class: "row-reason" }, o.words.reason(one)),
      o.h("p", { class: "row-place quiet", title: one.file }, `${place.short}${one.line ? ":" + one.line : ""}`),
    );
  }

  /** The nodes of the list; `href(scenario)` is where a row leads, `open` the one that is open. */
  o.runList = function runList(run, found, href, open) {
    const at = places(run.scenarios);
    const list = (label, some) =>
      o.h(
        "ol",
        { class: "rows", "aria-label": label },
        some.map((one) => row(one, at.get(one.file), href, open)),
      );
    if (found.length <= MANY) return list("Scenarios", found);
    const first = found.filter((one) => one.status !== "passed");
    const themes = new Map();
    for (const one of found.filter((each) => each.status === "passed")) {
      const { theme } = at.get(one.file);
      if (!themes.has(theme)) themes.set(theme, []);
      themes.get(theme).push(one);
    }
    return o.h(
      "div",
      { class: "themes" },
      first.length > 0 && list("Scenarios", first),
      [...themes].map(([theme, some]) =>
        o.keep(
          "theme-" + theme,
          [
            o.h("strong", {}, theme ? o.words.sentence(theme.replace(/-/g, " ")) : "Scenarios"),
            o.h(
              "span",
              { class: "quiet" },
              ` ${some.length} passed in ${o.words.plural(new Set(some.map((one) => one.file)).size, "file")}`,
            ),
          ],
          () => list(`Scenarios of ${theme || "this folder"}`, some),
          some.includes(open) || themes.size === 1,
        ),
      ),
    );
  };
})((globalThis.optilocal = globalThis.optilocal || {}));
