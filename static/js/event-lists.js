/* What the lists of events share: tabs, the filter line with its words, and the choice of an outcome. */
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
  const NAMES = {
    events: { ...SHARED, message_id: "message_id", counted: null },
    received: { ...SHARED, exchange: "exchange" },
  };
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
    counted: (one) => (one.outcome === "counted" ? "yes" : o.words.isConversion(one) ? "no" : "no conversion"),
    exchange: (one) => one.exchange,
    status: () => [],
    text: (one) => JSON.stringify(one),
  };
  const NOT = "not counted";
  const COLUMNS = [{ label: "Event" }, { label: "Verdict" }, { label: "Why", class: "why-cell" }];

  /** A verdict's first cells, below COLUMNS. */
  const cells = (one) => [
    o.rowLink(o.route.ofEvent(one), o.words.eventName(one)),
    o.verdictBadge(one),
    o.h("span", { class: "why", title: one.explanation }, o.words.why(one)),
  ];

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
    const said = o.h("p", { class: "quiet", role: "status" });
    let turn = null;
    const search = o.search("Filter " + title.toLowerCase(), page.route.params.q, hint, apply);

    function apply(text) {
      search.input.value = text === search.input.value.trim() ? search.input.value : text;
      page.patch({ q: text, after: null });
      return draw();
    }

    function note() {
      const odd = o.filter.unknown(page.route.params.q, fields);
      const there = Object.keys(names).map((name) => name + ":");
      said.textContent = odd.length
        ? `${odd.map((one) => one + ":").join(", ")} is no filter word and is searched for as text; there are ${there.join(" ")}`
        : "";
    }

    async function draw() {
      note();
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
        const without = tokens.filter((token) => token.not || token.field === "counted");
        await list(inner, fresh, {
          params: o.filter.query(tokens, names),
          filtered: tokens.length > 0,
          none: () => o.empty("No row matches", "Take a word out of the filter, or choose all namespaces above."),
          keep: without.length ? (row) => o.filter.matches(without, row, READ) : null,
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
      said,
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
        o.h("option", { value: NOT }, "Not counted"),
        Object.entries(o.words.OUTCOMES).map(([slug, [, label]]) => o.h("option", { value: slug }, label)),
      );
      select.addEventListener("change", () => {
        const rest = o.filter
          .parse(page.route.params.q, fields)
          .filter((one) => one.field !== "outcome" && one.field !== "counted");
        const chosen =
          select.value === NOT ? { field: "counted", value: "no" } : { field: "outcome", value: select.value };
        apply(o.filter.format(select.value ? [...rest, chosen] : rest));
      });
      const sync = (tokens) => {
        const now = tokens.find((one) => one.field === "outcome" && !one.not);
        const not = tokens.some((one) => one.field === "counted" && one.value === "no");
        select.value = now ? now.value : not ? NOT : "";
      };
      return { node: select, sync };
    };
  }

  o.eventLists = { COLUMNS, cells, frame, outcomes };
})((globalThis.optilocal = globalThis.optilocal || {}));
