/* The lists of the journal: events with their verdicts, and the decisions and conversions that Optimizely received. */
(function (o) {
  "use strict";

  const SHARED = {
    outcome: "outcome",
    event: "event_key",
    visitor: "visitor_id",
    uuid: "uuid",
    experiment: "experiment",
    kind: "kind",
    status: "status",
  };
  const NAMES = { events: { ...SHARED, message_id: "message_id" }, received: { ...SHARED, exchange: "exchange" } };
  const TABS = [
    ["events", "With verdicts"],
    ["received", "Received by Optimizely"],
  ];

  const READ = {
    outcome: (one) => one.outcome,
    event: (one) => one.event || one.key,
    visitor: (one) => one.visitor_id,
    uuid: (one) => one.uuid,
    experiment: (one) => (one.attributed_to || []).map((each) => each.experiment),
    kind: (one) => one.kind,
    message_id: (one) => one.message_id,
    exchange: (one) => one.exchange,
    status: () => [],
    text: (one) => JSON.stringify(one),
  };
  const who = (one) => one.visitor_id || one.user_id || one.anonymous_id || "";

  function tabs(page) {
    return o.h(
      "nav",
      { class: "tabs", "aria-label": "Kinds of rows" },
      o.h(
        "ul",
        {},
        TABS.filter(([name]) => o.source.kind === "live" || name === "events").map(([name, label]) =>
          o.h(
            "li",
            {},
            o.h(
              "a",
              {
                href: o.href(name, [], { q: page.route.params.q }),
                "aria-current": page.route.page === name ? "page" : null,
              },
              label,
            ),
          ),
        ),
      ),
    );
  }

  /** The search line and the slot below it; a changed filter draws only the list again. */
  function frame(page, title, hint, extra, list) {
    const slot = o.h("div", {});
    const names = NAMES[page.route.page] || NAMES.events;
    const fields = [...Object.keys(names), "text"];
    const chips = o.h("div", { class: "chips", role: "group", "aria-label": "Filters in force" });
    let turn = null;
    const search = o.search("Filter " + title.toLowerCase(), page.route.params.q, hint, apply);

    function apply(text) {
      search.input.value = text === search.input.value.trim() ? search.input.value : text;
      page.patch({ q: text, after: null });
      return draw();
    }

    async function draw() {
      if (turn) turn.abort();
      turn = new AbortController();
      const mine = turn;
      page.signal.addEventListener("abort", () => mine.abort(), { signal: mine.signal });
      const tokens = o.filter.parse(page.route.params.q, fields);
      chips.replaceChildren(
        ...tokens.map((token) =>
          o.h(
            "button",
            {
              type: "button",
              class: "chip",
              "aria-pressed": "true",
              "aria-label": `Take ${o.filter.format([token])} out of the filter`,
              on: { click: () => apply(o.filter.format(tokens.filter((one) => one !== token))) },
            },
            o.filter.format([token]),
            o.h("span", { "aria-hidden": "true" }, " ×"),
          ),
        ),
      );
      if (more) more.sync(tokens);
      const fresh = o.h("div", {});
      const inner = { ...page, signal: turn.signal, live: (...given) => page.live(...given, inner.signal) };
      try {
        const without = tokens.filter((token) => token.not);
        await list(inner, fresh, {
          params: o.filter.query(tokens, names),
          filtered: tokens.length > 0,
          none: () => o.empty("No row matches", "Take a word out of the filter, or choose all namespaces above."),
          keep: (row) => o.filter.matches(without, row, READ),
        });
        slot.replaceChildren(fresh);
        o.keys.settle(slot);
        o.say(`${o.words.plural(slot.querySelectorAll("[data-row]").length, "row")} shown`);
      } catch (error) {
        if (error.name === "AbortError") return;
        if (!(error instanceof o.data.Problem) || error.status === 0) throw error;
        slot.replaceChildren(o.empty("The filter cannot be used", error.message));
      }
    }

    const more = extra && extra(apply);
    page.show(
      o.h("h1", {}, "Events"),
      tabs(page),
      o.h("div", { class: "toolbar" }, search.node, more && more.node),
      chips,
      slot,
    );
    return draw();
  }

  function outcomes(page) {
    return (apply) => {
      const fields = [...Object.keys(NAMES.events), "text"];
      const select = o.h(
        "select",
        { "aria-label": "Outcome" },
        o.h("option", { value: "" }, "Any outcome"),
        Object.entries(o.words.OUTCOMES).map(([slug, [, label]]) => o.h("option", { value: slug }, label)),
      );
      select.addEventListener("change", () => {
        const rest = o.filter.parse(page.route.params.q, fields).filter((one) => one.field !== "outcome");
        apply(o.filter.format(select.value ? [...rest, { field: "outcome", value: select.value }] : rest));
      });
      const sync = (tokens) => {
        const now = tokens.find((one) => one.field === "outcome" && !one.not);
        select.value = now ? now.value : "";
      };
      return { node: select, sync };
    };
  }

  const sandbox = () => o.source.base.replace(/\/$/, "");

  function events(page) {
    page.title("Events");
    return frame(
      page,
      "Events",
      'outcome:user_not_activated event:"Order Completed" u-1',
      outcomes(page),
      (inner, slot, filter) =>
        o.listing(inner, slot, {
          ...filter,
          path: "verdicts",
          caption: "Events and their verdicts",
          columns: [
            { label: "Event" },
            { label: "Verdict" },
            { label: "Visitor", class: "visitor-cell" },
            { label: "Why", class: "wide-only why-cell" },
            { label: "Namespace", class: "wide-only place-cell" },
            { label: "Time", class: "num" },
          ],
          row: (one) => ({
            attrs: { "data-open": true },
            cells: [
              o.rowLink(
                o.route.format({
                  page: "event",
                  parts: [one.message_id || one.uuid || String(one.number)],
                  params: { ns: one.namespace, n: one.number },
                }),
                one.event || (one.kind === "deletion" ? "(deletion)" : "(no name)"),
              ),
              o.outcomeBadge(one.outcome),
              o.visitor(who(one)),
              o.h("span", { class: "clip", title: one.explanation }, one.explanation),
              o.place(one.namespace),
              o.time(one.timestamp),
            ],
          }),
          empty: () =>
            o.empty(
              "No event yet",
              "Send one to the forwarder, or run the shipped suite against this sandbox:",
              `optilocal run --emulator ${sandbox()}`,
            ),
          note: "Requests to the control surface are not listed.",
        }),
    );
  }

  function received(page) {
    page.title("Received");
    return frame(page, "Received", "kind:decision visitor:u-1", null, (inner, slot, filter) =>
      o.listing(inner, slot, {
        ...filter,
        path: "events",
        caption: "Decisions and conversions received",
        columns: [
          { label: "Key" },
          { label: "Kind" },
          { label: "Visitor", class: "visitor-cell" },
          { label: "Revenue", class: "num" },
          { label: "Value", class: "num" },
          { label: "Problems" },
          { label: "Namespace", class: "wide-only place-cell" },
          { label: "Time", class: "num" },
        ],
        row: (one) => ({
          attrs: { "data-open": true },
          cells: [
            o.rowLink(
              o.route.format({ page: "exchanges", parts: [one.namespace, one.exchange] }),
              one.key || one.entity_id || "(no key)",
            ),
            o.words.sentence(one.kind),
            o.visitor(one.visitor_id),
            typeof one.revenue === "number" ? o.words.money(one.revenue) : "–",
            typeof one.value === "number" ? o.words.number(one.value) : "–",
            one.problems && one.problems.length
              ? o.badge("warn", o.words.plural(one.problems.length, "problem"), {
                  title: one.problems.map((note) => note.message).join(" "),
                })
              : "",
            o.place(one.namespace),
            o.time(one.timestamp),
          ],
        }),
        empty: () =>
          o.empty("Nothing received yet", "Point an Optimizely SDK or the forwarder at this address:", sandbox()),
      }),
    );
  }

  o.views = o.views || {};
  Object.assign(o.views, { events, received });
})((globalThis.optilocal = globalThis.optilocal || {}));
