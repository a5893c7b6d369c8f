/* Start: where everything is, three ways to send something, and what comes in. */
(function (o) {
  "use strict";

  const FEED = 12;

  const code = (text, label) =>
    o.h("div", { class: "snippet" }, o.json(text, label), o.copy("Copy", text, { "aria-label": `Copy: ${label}` }));

  /** The addresses of this sandbox, those of the namespace chosen. */
  function addresses(emulator, forwarder, files) {
    const line = (text) => [
      o.h("code", {}, text),
      " ",
      o.copy("Copy", text, { "aria-label": `Copy the address ${text}` }),
    ];
    return o.facts([
      ["Emulator (Optimizely)", line(emulator)],
      ["Forwarder (Segment)", forwarder ? line(forwarder) : "not known here: this emulator was started alone"],
      ...files.slice(0, 3).map((file) => [`Datafile ${file.sdkKey}`, line(file.url)]),
    ]);
  }

  function snippets(emulator, forwarder, files) {
    const keys = files.flatMap((file) => ((file.datafile || {}).events || []).map((event) => event.key));
    const event = {
      type: "track",
      event: keys[0] || "Order Completed",
      userId: "user-1",
      properties: { revenue: 4999 },
    };
    const program = `optilocal exec --emulator ${emulator}${forwarder ? ` --forwarder ${forwarder}` : ""} -- python app.py`;
    return [
      o.h("h3", {}, "A program as it is"),
      code(program, "a program as it is"),
      forwarder && [
        o.h("h3", {}, "One event by curl"),
        code(o.eventTexts.curl(event, forwarder), "one event by curl"),
        o.h("h3", {}, "Segment's library for Node"),
        code(o.eventTexts.node(event, forwarder), "Segment's library for Node"),
      ],
      !forwarder && [
        o.h("h3", {}, "A datafile"),
        code(`curl -X PUT ${emulator}/_emulator/datafiles/SDK_KEY --data-binary @datafile.json`, "a datafile"),
      ],
      o.h("h3", {}, "Scenarios"),
      code(`optilocal run --emulator ${emulator}`, "scenarios"),
    ];
  }

  async function lastRun(signal) {
    const { runs } = await o.source.get("runs", { ns: "*", order: "newest", limit: 1 }, { signal });
    if (!runs.length) return null;
    const counts = { total: 0, passed: 0, failed: 0, error: 0, ...runs[0].counts };
    const wrong = counts.failed + counts.error;
    return o.h(
      "p",
      { class: "last-run" },
      o.badge(
        wrong ? "bad" : "good",
        wrong
          ? `${wrong} of ${counts.total} scenarios not as expected`
          : `All ${o.words.plural(counts.total, "scenario")} as expected`,
      ),
      " in the newest run, ",
      o.time(runs[0].started_at),
      ". ",
      o.h("a", { href: o.href("runs", ["latest"]) }, "Look at it"),
    );
  }

  /** Forgetting is asked for, and said: it cannot be undone. */
  function resetButton(ns) {
    const dialog = o.h("dialog", { "aria-labelledby": "reset-title" });
    const files = o.h("input", { type: "checkbox", id: "reset-datafiles" });
    const go = o.h("button", { type: "button", class: "button danger" }, "Forget it all");
    go.addEventListener("click", async () => {
      await o.source.send("POST", "reset", { params: { ns }, body: files.checked ? { datafiles: true } : {} });
      dialog.close();
      o.say(`Namespace ${ns} is empty`);
      o.reload();
    });
    o.append(dialog, [
      o.h("h2", { id: "reset-title" }, `Forget what namespace ${ns} recorded?`),
      o.h("p", {}, "Requests, events, verdicts, faults, forced variations and the clock go. It cannot be undone."),
      o.h("p", {}, files, " ", o.h("label", { for: "reset-datafiles" }, "its datafiles too")),
      o.h(
        "div",
        { class: "actions" },
        go,
        o.h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Keep it"),
      ),
    ]);
    return [
      o.h(
        "button",
        { type: "button", class: "button danger", on: { click: () => dialog.showModal() } },
        `Reset namespace ${ns} …`,
      ),
      dialog,
    ];
  }

  async function home(page) {
    page.title("Start");
    const ns = o.shell.ns() === "*" ? "default" : o.shell.ns();
    const prefix = ns === "default" ? "" : `/ns/${encodeURIComponent(ns)}`;
    const [{ forwarder }, { datafiles }, run] = await Promise.all([
      o.source.about(page.signal),
      o.source.get("datafiles", { ns }, { signal: page.signal }),
      lastRun(page.signal),
    ]);
    const emulator = o.source.root + prefix;
    const segment = forwarder && forwarder.replace(/\/$/, "") + prefix;
    const feed = o.h("div", { class: "form" });

    async function draw() {
      const { verdicts, last } = await o.source.get(
        "verdicts",
        { ns: "*", order: "newest", limit: FEED },
        { signal: page.signal },
      );
      o.refill(feed, [
        verdicts.length
          ? o.table(
              "What came last",
              [...o.eventLists.COLUMNS, { label: "Time", class: "num" }],
              verdicts.filter(o.words.readable).map((one) => ({
                attrs: { "data-open": true },
                cells: [...o.eventLists.cells(one), o.time(one.timestamp)],
              })),
              { class: "stack" },
            )
          : o.empty(
              "Nothing has come yet",
              segment
                ? "Send an event by one of the ways here, or compose one on the page Try."
                : "Point an Optimizely SDK at this emulator.",
            ),
      ]);
      o.keys.settle(feed);
      return last;
    }

    page.show(
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, forwarder ? "Everything is up" : "The emulator is up"),
        o.meta(
          o.h("a", { href: o.href("try") }, "Try an event"),
          o.h("a", { href: o.href("destination") }, "Set up the destination"),
          o.h("a", { href: o.href("experiments") }, "Look at the funnel"),
          o.h("a", { href: o.href("search") }, "Search"),
        ),
      ),
      run,
      o.h(
        "div",
        { class: "home" },
        o.h(
          "section",
          { "aria-labelledby": "feed-title" },
          o.h("h2", { id: "feed-title" }, "What comes in"),
          feed,
          o.h("p", {}, o.h("a", { href: o.href("events") }, "All events")),
        ),
        o.h(
          "section",
          { "aria-labelledby": "where-title" },
          o.h("h2", { id: "where-title" }, "Where everything is"),
          addresses(emulator, segment, datafiles),
          o.h("h2", {}, "Send something"),
          snippets(emulator, segment, datafiles),
          o.h("p", { class: "actions" }, o.recordButton(`Record namespace ${ns} as a scenario`, ns), resetButton(ns)),
        ),
      ),
    );
    const last = await draw();
    page.live("verdicts", { ns: "*" }, last, draw);
  }

  o.views.home = home;
})((globalThis.optilocal = globalThis.optilocal || {}));
