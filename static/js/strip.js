/* The strip that no page hides: while a fault is active, or a variation is forced, in whatever namespace. */
(function (o) {
  "use strict";

  const EVERY_MS = 4000;
  let known = "";

  const places = (rows) => [...new Set(rows.map((one) => one.namespace || "default"))];

  function line(rows, path, words, button) {
    const all = places(rows);
    return o.h(
      "div",
      { class: "strip" },
      o.icon("warn"),
      o.h(
        "p",
        {},
        o.h("strong", {}, words[0]),
        ` in ${all.length > 1 ? o.words.plural(all.length, "namespace") : all[0]}: ${words[1]}`,
      ),
      o.h("a", { href: o.route.format({ page: path }) }, "See"),
      o.h("button", { type: "button", class: "button", on: { click: () => end(path, all) } }, button),
    );
  }

  async function look() {
    let faults;
    let forced;
    try {
      [faults, forced] = await Promise.all([
        o.source.get("faults", { ns: "*" }).then((answer) => answer.faults.filter((one) => one.active !== false)),
        o.source.get("forced", { ns: "*" }).then((answer) => answer.forced),
      ]);
    } catch {
      return;
    }
    const text = JSON.stringify([
      faults.map((one) => [one.namespace, one.on, one.status, one.break, one.latency_ms]),
      forced,
    ]);
    if (text === known) return;
    known = text;
    const many = forced.length > 1;
    const shown = forced
      .slice(0, 2)
      .map((one) => `${one.experiment} › ${one.variation} for ${one.user === null ? "everybody" : one.user}`);
    document
      .getElementById("strip")
      .replaceChildren(
        ...[
          faults.length &&
            line(
              faults,
              "faults",
              [
                o.words.plural(faults.length, "fault is", "faults are") + " active",
                "some requests are made to fail on purpose.",
              ],
              places(faults).length > 1 ? "End all" : "End it",
            ),
          forced.length &&
            line(
              forced,
              "forced",
              [
                o.words.plural(forced.length, "variation is", "variations are") + " forced",
                `${shown.join(", ")}${forced.length > 2 ? " …" : ""}.`,
              ],
              many ? "End all" : "End it",
            ),
        ].filter(Boolean),
      );
  }

  /** End what the strip tells of, "faults" or "forced", in these namespaces. */
  async function end(path, all) {
    for (const name of all) await o.source.send("DELETE", path, { params: { ns: name } });
    o.say(path === "faults" ? "Faults ended" : "No variation is forced any more");
    await look();
    o.reload();
  }

  function watch() {
    if (o.source.kind === "live") setInterval(() => document.hidden || look(), EVERY_MS);
  }

  o.strip = { look, end, watch };
})((globalThis.optilocal = globalThis.optilocal || {}));
