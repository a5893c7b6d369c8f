/* All runs, and what differs between two of them. */
(function (o) {
  "use strict";

  const RUNS = 100;
  const failing = (one) => one.status === "failed" || one.status === "error";
  const when = (run) => o.words.local(run.started_at, Date.now()).replace(/\.\d+$/, "");

  const ask = async (signal) =>
    (await o.source.get("runs", { ns: "*", order: "newest", limit: RUNS }, { signal })).runs.map((run) => ({
      ...run,
      counts: { total: 0, passed: 0, failed: 0, error: 0, ...run.counts },
    }));

  async function history(page) {
    page.title("Runs");
    const runs = await ask(page.signal);
    page.show(
      o.h("h1", {}, "Runs"),
      runs.length
        ? o.table(
            "Runs",
            [
              { label: "Started" },
              { label: "Outcome" },
              { label: "Passed", class: "num" },
              { label: "Failed", class: "num" },
              { label: "Took", class: "num" },
              { label: "Command" },
              { label: "Against the one before" },
            ],
            runs.map((run, i) => {
              const { counts } = run;
              const wrong = counts.failed + counts.error;
              const before = runs[i + 1];
              return [
                o.rowLink(o.href("runs", [run.id]), when(run)),
                run.state === "running"
                  ? o.badge("idle", "Running")
                  : o.badge(wrong ? "bad" : "good", wrong ? "Not as expected" : "As expected"),
                o.words.number(counts.passed),
                o.words.number(wrong),
                o.words.duration(run.duration_ms),
                o.h("code", {}, run.command || "–"),
                before ? o.h("a", { href: o.href("compare", [before.id, run.id]) }, "Compare") : "–",
              ];
            }),
            { class: "labelled" },
          )
        : o.empty(
            "No run yet",
            "Run scenarios against this sandbox:",
            `optilocal run --emulator ${o.source.root}`,
          ),
    );
    o.keys.settle(document.getElementById("main"));
    const { last } = await o.source.get("runs", { ns: "*", order: "newest", limit: 1 }, { signal: page.signal });
    page.live("runs", { ns: "*" }, last, o.reload);
  }

  /** Two runs' scenarios, paired by id and else by name: [{name, before, after}]. */
  function pair(before, after) {
    const left = new Map(before.map((one) => [one.id, one]));
    const byName = new Map(before.map((one) => [one.name, one]));
    const pairs = after.map((one) => {
      const other = left.get(one.id) || byName.get(one.name) || null;
      if (other) left.delete(other.id);
      return { name: one.name, before: other, after: one };
    });
    const taken = new Set(pairs.map((one) => one.before));
    return [
      ...pairs,
      ...before.filter((one) => !taken.has(one)).map((one) => ({ name: one.name, before: one, after: null })),
    ];
  }

  const GROUPS = [
    ["Fails now", ({ before, after }) => after && failing(after) && before && !failing(before)],
    ["As expected now", ({ before, after }) => after && !failing(after) && before && failing(before)],
    ["Fails in both", ({ before, after }) => after && failing(after) && before && failing(before)],
    ["New", ({ before }) => !before],
    ["Gone", ({ after }) => !after],
  ];

  async function compare(page) {
    page.title("Two runs");
    const runs = await ask(page.signal);
    const [a, b] = page.route.parts;
    if (!a || !b) return page.show(o.h("h1", {}, "Two runs"), o.empty("Which runs?", "Choose two on the page Runs."));
    const get = (id) => o.source.get("runs/" + encodeURIComponent(id), {}, { signal: page.signal });
    const [before, after] = await Promise.all([get(a), get(b)]);
    const pairs = pair(before.scenarios || [], after.scenarios || []);
    const choose = (label, value, address) => {
      const select = o.h(
        "select",
        { "aria-label": label },
        runs.map((run) =>
          o.h(
            "option",
            { value: run.id, selected: run.id === value },
            `${when(run)} · ${run.counts.failed + run.counts.error} failed`,
          ),
        ),
      );
      select.addEventListener("change", () => (location.hash = o.href("compare", address(select.value))));
      return select;
    };
    const groups = GROUPS.map(([label, holds]) => [label, pairs.filter(holds)]).filter(([, some]) => some.length);
    const same = pairs.length - groups.reduce((sum, [, some]) => sum + some.length, 0);
    page.show(
      o.h("a", { class: "back", "data-back": true, "data-key": "Escape", href: o.href("history") }, "All runs"),
      o.h("h1", {}, "Two runs"),
      o.h(
        "div",
        { class: "toolbar" },
        choose("Before", a, (id) => [id, b]),
        o.h("span", {}, "against"),
        choose("After", b, (id) => [a, id]),
      ),
      groups.map(([label, some]) =>
        o.h(
          "section",
          { class: "card", "aria-label": label },
          o.h("h2", {}, `${label} (${some.length})`),
          o.h(
            "ul",
            { class: "rows" },
            some.map((one) => {
              const shown = one.after || one.before;
              const { tone, label: word } = o.words.status(shown.status);
              return o.h(
                "li",
                { class: "row tone-" + tone },
                o.icon(tone),
                o.h("span", { class: "visually-hidden" }, word + ": "),
                " ",
                o.h("a", { href: o.href("runs", [one.after ? b : a, shown.id]) }, one.name),
                failing(shown) && o.h("p", { class: "row-reason" }, o.words.reason(shown)),
              );
            }),
          ),
        ),
      ),
      o.h("p", { class: "quiet" }, `${o.words.plural(same, "scenario")} as expected in both.`),
    );
  }

  o.views.history = history;
  o.views.compare = compare;
})((globalThis.optilocal = globalThis.optilocal || {}));
