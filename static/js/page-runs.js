/* Results: one run's scenarios, failed first, and beside them the scenario that is open. */
(function (o) {
  "use strict";

  const FIELDS = ["status", "tag", "ns", "file", "text"];
  const READ = {
    status: (one) => one.status,
    tag: (one) => one.tags || [],
    ns: (one) => one.namespace,
    file: (one) => [
      one.file,
      String(one.file || "")
        .split("/")
        .pop(),
    ],
    text: (one) => [one.name, one.reason, o.words.reason(one), one.file, one.teaches, ...(one.tags || [])],
  };
  const ORDER = { failed: 0, error: 0, running: 1, waiting: 1, passed: 2 };

  /** Failed first, then what still waits, then passed; within each as in the files. */
  const failedFirst = (scenarios) => [...scenarios].sort((a, b) => (ORDER[a.status] ?? 1) - (ORDER[b.status] ?? 1));

  /** The scenario that is open: the one in the address, or the only failure, unless the whole list was asked for. */
  function opened(run, route) {
    const id = o.route.scenarioOf(route);
    if (id) return run.scenarios.find((one) => one.id === id) || null;
    const failures = run.scenarios.filter((one) => one.status === "failed" || one.status === "error");
    return failures.length === 1 && run.state !== "running" && !route.params.all ? failures[0] : null;
  }

  async function load(page) {
    const { runs, last } = await o.source.get("runs", { ns: "*", order: "newest", limit: 20 }, { signal: page.signal });
    if (!runs.length) return { runs, last, run: null };
    const wanted = page.route.parts[0] || "latest";
    const run = await o.source.get(
      "runs/" + encodeURIComponent(wanted === "latest" ? runs[0].id : wanted),
      {},
      { signal: page.signal },
    );
    return { runs: runs.map(whole), last, run: whole(run) };
  }

  /** A run of which a part is missing, as others than optilocal may post one, shows what is there. */
  const whole = (run) => ({
    scenarios: [],
    ...run,
    counts: { total: 0, passed: 0, failed: 0, error: 0, ...run.counts },
  });

  function chips(run, route, change) {
    const { counts } = run;
    const waiting = counts.total - counts.passed - counts.failed - counts.error;
    const tokens = o.filter.parse(route.params.q, FIELDS);
    const chip = (status, count, key) => {
      const on = tokens.some((token) => token.field === "status" && token.value === status && !token.not);
      const { tone, label } = o.words.status(status);
      return (
        (count > 0 || status === "failed") &&
        o.h(
          "button",
          {
            type: "button",
            class: "chip tone-" + (count ? tone : "idle"),
            "aria-pressed": String(on),
            "data-key": key,
            on: { click: () => change(o.filter.toggle(route.params.q, "status", status, FIELDS)) },
          },
          o.icon(count ? tone : "idle"),
          `${count} ${label.toLowerCase()}`,
        )
      );
    };
    return o.h(
      "div",
      { class: "chips", role: "group", "aria-label": "By status" },
      chip("failed", counts.failed, "f"),
      chip("error", counts.error),
      chip("waiting", waiting),
      chip("passed", counts.passed),
      o.h(
        "button",
        {
          type: "button",
          class: "chip",
          "data-key": "a",
          "aria-pressed": String(!route.params.q),
          on: { click: () => change("") },
        },
        `${counts.total} in all`,
      ),
    );
  }

  function head(data, page, change) {
    const { run, runs } = data;
    const { failed, error, total, passed } = run.counts;
    const bad = failed + error;
    const running = run.state === "running";
    const title = running
      ? `Running: ${passed + bad} of ${total}`
      : bad
        ? `${bad} of ${o.words.plural(total, "scenario")} not as expected`
        : `All ${o.words.plural(total, "scenario")} as expected`;
    page.title(running ? `Running ${passed + bad}/${total}` : bad ? `${bad} failed` : "All passed");
    const others = o.h(
      "select",
      { "aria-label": "Run", class: "run-select" },
      runs.map((one) =>
        o.h(
          "option",
          { value: one.id, selected: one.id === run.id },
          `${o.words.local(one.started_at, Date.now()).replace(/\.\d+$/, "")} · ${one.counts.failed + one.counts.error} failed, ${one.counts.passed} passed`,
        ),
      ),
    );
    others.addEventListener("change", () => (location.hash = o.href("runs", [others.value])));
    const live = o.source.kind === "live";
    return [
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, title),
        o.h(
          "div",
          { class: "quiet meta" },
          runs.length > 1 ? others : o.time(run.started_at),
          run.duration_ms ? o.words.duration(run.duration_ms) : "",
          live && runs.length > 1 && o.h("a", { href: o.href("history") }, "All runs"),
          o.jsonLink("runs/" + run.id),
        ),
      ),
      running && o.h("progress", { max: total || 1, value: passed + bad, "aria-label": "Progress of the run" }),
      chips(run, page.route, change),
    ];
  }

  function list(run, page, open) {
    const tokens = o.filter.parse(page.route.params.q, FIELDS);
    const ns = o.shell.ns();
    const here = run.scenarios.filter((one) => ns === "*" || one.namespace === ns);
    const found = failedFirst(here.filter((one) => o.filter.matches(tokens, one, READ)));
    const keep = { q: page.route.params.q };
    const runPart = page.route.parts[0] || "latest";
    if (!found.length) {
      return o.empty(
        here.length ? "No scenario matches" : "No scenario ran in this namespace",
        here.length ? "Take a word out of the filter, or press a for all." : "Choose all namespaces above.",
      );
    }
    return o.runList(run, found, (one) => o.href("runs", [runPart, one.id], keep), open);
  }

  async function runs(page) {
    page.title("Results");
    let data = await load(page);
    if (!data.run) {
      page.show(
        o.h("h1", {}, "Results"),
        o.empty(
          "No run yet",
          "Run the shipped suite, or your own scenarios, against this sandbox:",
          `optilocal run --emulator ${o.source.root}`,
        ),
      );
      page.live("runs", { ns: "*" }, data.last, o.reload);
      return;
    }
    const headSlot = o.h("div", { class: "run-head" });
    const listSlot = o.h("div", {});
    const detail = o.h("section", { class: "detail", "aria-label": "Scenario" });
    const search = o.search("Filter scenarios", page.route.params.q, 'status:failed @tag !not "two words"', (text) =>
      change(text, false),
    );
    const found = o.h("p", { class: "visually-hidden", "aria-live": "polite" });

    function change(text, also = true) {
      page.patch({ q: text });
      if (also) search.input.value = text;
      draw(false);
    }

    function draw(withDetail = true) {
      const open = opened(data.run, page.route);
      const missing = o.route.scenarioOf(page.route) && !open;
      o.refill(headSlot, head(data, page, change));
      o.refill(listSlot, [list(data.run, page, open)]);
      o.keys.settle(listSlot);
      found.textContent = o.words.plural(listSlot.querySelectorAll("[data-row]").length, "scenario");
      split.classList.toggle("has-detail", Boolean(open || missing));
      if (!withDetail) return;
      if (open) o.refill(detail, o.scenarioDetail(data.run, open, page));
      else
        detail.replaceChildren(missing ? o.empty("This run has no such scenario", o.route.scenarioOf(page.route)) : "");
      if (open) page.title(open.name);
    }

    /** Another difference of the open scenario, from 1. */
    page.choose = (d) => {
      page.patch({ d });
      draw();
      document.getElementById("difference").scrollIntoView({ block: "nearest" });
    };

    const split = o.h(
      "div",
      { class: "split" },
      o.h("section", { class: "side", "aria-label": "Scenarios of this run" }, search.node, found, listSlot),
      detail,
    );
    page.show(headSlot, split);
    draw();
    page.live("runs", { ns: "*" }, data.last, async () => {
      data = await load(page);
      draw();
    });
  }

  o.views = o.views || {};
  o.views.runs = runs;
})((globalThis.optilocal = globalThis.optilocal || {}));
