/* Search over everything that is recorded: events, what was received, requests, scenarios, names in datafiles. */
(function (o) {
  "use strict";

  const FEW = 10;

  const has = (text, wanted) =>
    String(text || "")
      .toLowerCase()
      .includes(wanted.toLowerCase());

  /** Each kind of thing: its title, how it is found, and a row: {href, name, said}. */
  function kinds(ns, wanted, signal) {
    const ask = (path, params) => o.source.get(path, { ns, ...params }, { signal });
    const found = { q: wanted, order: "newest", limit: FEW };
    return [
      [
        "Events",
        async () => (await ask("verdicts", found)).verdicts,
        (one) => ({
          href: o.route.ofEvent(one),
          name: o.words.eventName(one),
          said: [o.verdictBadge(one), " ", o.words.why(one)],
        }),
        { page: "events", params: { q: o.filter.format([{ field: "text", value: wanted }]) } },
      ],
      [
        "Received by Optimizely",
        async () => (await ask("events", found)).events,
        (one) => ({
          href: o.route.format({ page: "visitor", parts: [one.visitor_id], params: { ns: one.namespace } }),
          name: one.visitor_id,
          said: `${one.kind} ${one.key || ""}`,
        }),
        { page: "received", params: { q: o.filter.format([{ field: "text", value: wanted }]) } },
      ],
      [
        "Requests",
        async () => (await ask("exchanges", found)).exchanges,
        (one) => ({
          href: o.route.format({ page: "exchanges", parts: [one.namespace, one.number] }),
          name: `${one.method} ${one.path}`,
          said: `answered ${one.status}`,
        }),
        { page: "exchanges", params: { q: wanted } },
      ],
      [
        "Scenarios of the newest run",
        async () => {
          const { runs } = await ask("runs", { ns: "*", order: "newest", limit: 1 });
          if (!runs.length) return [];
          const run = await o.source.get("runs/" + encodeURIComponent(runs[0].id), {}, { signal });
          return (run.scenarios || [])
            .filter(
              (one) =>
                has(one.name, wanted) || has(one.file, wanted) || (one.tags || []).some((tag) => has(tag, wanted)),
            )
            .slice(0, FEW);
        },
        (one) => ({
          href: o.route.format({ page: "runs", parts: ["latest", one.id] }),
          name: one.name,
          said: o.words.status(one.status).label,
        }),
        { page: "runs", parts: ["latest"], params: { q: o.filter.format([{ field: "text", value: wanted }]), all: 1 } },
      ],
      [
        "In datafiles",
        async () => {
          const { datafiles } = await ask("datafiles");
          return datafiles
            .flatMap((file) => {
              const read = file.datafile || {};
              const named = (what, list) => (list || []).map((one) => ({ what, key: one.key, id: one.id, file }));
              return [
                ...named("event", read.events),
                ...named("experiment", read.experiments),
                ...named("flag", read.featureFlags),
                ...named("attribute", read.attributes),
              ];
            })
            .filter((one) => has(one.key, wanted) || has(one.id, wanted))
            .slice(0, FEW);
        },
        (one) => ({
          href: o.route.format({ page: "datafiles", parts: [one.file.namespace, one.file.sdkKey] }),
          name: one.key,
          said: `${one.what} ${one.id}`,
        }),
        { page: "datafiles" },
      ],
    ];
  }

  async function search(page) {
    page.title("Search");
    const ns = o.shell.ns();
    const slot = o.h("div", { class: "form" });
    let turn = null;
    const field = o.search("Search everything", page.route.params.q, "an id, a name, a part of a body", (text) => {
      page.patch({ q: text });
      return draw(text);
    });

    async function draw(wanted) {
      if (turn) turn.abort();
      const mine = (turn = new AbortController());
      page.signal.addEventListener("abort", () => mine.abort(), { signal: mine.signal });
      if (!wanted)
        return slot.replaceChildren(
          o.h("p", { class: "quiet" }, "Type a user id, a message id, an event's name, a scenario, an experiment …"),
        );
      try {
        const all = kinds(ns, wanted, mine.signal);
        const found = await Promise.all(all.map(async ([, find]) => (await find()).filter(o.words.readable)));
        if (mine.signal.aborted) return;
        const shown = all
          .map(([title, , row, more], i) => [title, found[i], row, more])
          .filter(([, rows]) => rows.length);
        o.refill(slot, [
          shown.map(([title, rows, row, more]) =>
            o.h(
              "section",
              { class: "card", "aria-label": title },
              o.h(
                "div",
                { class: "card-head" },
                o.h("h2", {}, title),
                rows.length === FEW &&
                  o.h(
                    "a",
                    { href: o.route.format({ ...more, params: { ...(ns === "*" ? {} : { ns }), ...more.params } }) },
                    "All of them",
                  ),
              ),
              o.h(
                "ul",
                { class: "found" },
                rows.map((one) => {
                  const { href, name, said } = row(one);
                  return o.h(
                    "li",
                    { "data-open": true },
                    o.rowLink(href, name),
                    " ",
                    o.h("span", { class: "quiet" }, said),
                  );
                }),
              ),
            ),
          ),
          !shown.length &&
            o.empty(
              "Nothing found",
              "Nothing that is recorded, no scenario of the newest run and no datafile has this text.",
            ),
        ]);
        o.keys.settle(slot);
        o.say(`${shown.reduce((sum, [, rows]) => sum + rows.length, 0)} found`);
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    }

    page.show(o.h("h1", {}, "Search"), field.node, slot);
    field.input.focus();
    await draw(page.route.params.q || "");
  }

  o.views.search = search;
})((globalThis.optilocal = globalThis.optilocal || {}));
