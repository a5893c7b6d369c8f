/* The lists of the journal: events with their verdicts, and the decisions and conversions that Optimizely received. */
(function (o) {
  "use strict";

  const SHARED = { outcome: "outcome", event: "event_key", visitor: "visitor_id", uuid: "uuid", experiment: "experiment", kind: "kind", status: "status" };
  const NAMES = { events: { ...SHARED, message_id: "message_id" }, received: { ...SHARED, exchange: "exchange" } };
  const TABS = [["events", "With verdicts"], ["received", "Received by Optimizely"]];

  const place = (one) => o.h("span", { title: one.namespace }, one.namespace);
  const who = (one) => one.visitor_id || one.user_id || one.anonymous_id || "";

  function tabs(page) {
    return o.h("nav", { class: "tabs", "aria-label": "Kinds of rows" }, o.h("ul", {}, TABS
      .filter(([name]) => o.source.kind === "live" || name === "events")
      .map(([name, label]) => o.h("li", {}, o.h("a", { href: o.href(name, [], { q: page.route.params.q }), "aria-current": page.route.page === name ? "page" : null }, label)))));
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
      page.signal.addEventListener("abort", () => turn.abort());
      const tokens = o.filter.parse(page.route.params.q, fields);
      chips.replaceChildren(...tokens.map((token) => o.h("button", {
        type: "button", class: "chip", "aria-pressed": "true", "aria-label": `Take ${o.filter.format([token])} out of the filter`,
        on: { click: () => apply(o.filter.format(tokens.filter((one) => one !== token))) },
      }, o.filter.format([token]), o.h("span", { "aria-hidden": "true" }, " ×"))));
      const fresh = o.h("div", {});
      const inner = { ...page, signal: turn.signal, live: (...given) => page.live(...given, inner.signal) };
      try {
        await list(inner, fresh, o.filter.query(tokens, names), tokens.length > 0, apply);
        slot.replaceChildren(fresh);
        o.keys.settle(slot);
        o.say(`${o.words.plural(slot.querySelectorAll("[data-row]").length, "row")} shown`);
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    }

    page.show(o.h("h1", {}, "Events"), tabs(page), o.h("div", { class: "toolbar" }, search.node, extra && extra(apply)), chips, slot);
    return draw();
  }

  function outcomes(page) {
    return (apply) => {
      const fields = [...Object.keys(NAMES.events), "text"];
      const now = o.filter.parse(page.route.params.q, fields).find((one) => one.field === "outcome" && !one.not);
      const select = o.h("select", { "aria-label": "Outcome" }, o.h("option", { value: "" }, "Any outcome"), Object.entries(o.words.OUTCOMES).map(([slug, [, label]]) => o.h("option", { value: slug }, label)));
      select.value = now ? now.value : "";
      select.addEventListener("change", () => {
        const rest = o.filter.parse(page.route.params.q, fields).filter((one) => one.field !== "outcome");
        apply(o.filter.format(select.value ? [...rest, { field: "outcome", value: select.value }] : rest));
      });
      return select;
    };
  }

  const noMatch = (apply) => () => o.empty("No row matches", "Take a word out of the filter, or choose all namespaces above.");
  const sandbox = () => o.source.base.replace(/\/$/, "");

  function events(page) {
    page.title("Events");
    return frame(page, "Events", "outcome:user_not_activated event:\"Order Completed\" u-1", outcomes(page), (inner, slot, params, filtered, apply) =>
      o.listing(inner, slot, {
        path: "verdicts", params, filtered, none: noMatch(apply), caption: "Events and their verdicts",
        columns: [{ label: "Event" }, { label: "Verdict" }, { label: "Visitor" }, { label: "Why", class: "wide-only" }, { label: "Namespace", class: "wide-only place-cell" }, { label: "Time", class: "num" }],
        row: (one) => ({ attrs: { "data-open": true }, cells: [
          o.rowLink(o.route.format({ page: "event", parts: [one.message_id || String(one.number)], params: { ns: one.namespace, n: one.number } }), one.event || (one.kind === "deletion" ? "(deletion)" : "(no name)")),
          o.outcomeBadge(one.outcome), o.h("code", {}, who(one)), o.h("span", { class: "clip", title: one.explanation }, one.explanation), place(one), o.time(one.timestamp)] }),
        empty: () => o.empty("No event yet", "Send one to the forwarder, or run the shipped suite against this sandbox:", `optilocal run --emulator ${sandbox()}`),
        note: "Requests to the control surface are not listed.",
      }));
  }

  function received(page) {
    page.title("Received");
    return frame(page, "Received", "kind:decision visitor:u-1", null, (inner, slot, params, filtered, apply) =>
      o.listing(inner, slot, {
        path: "events", params, filtered, none: noMatch(apply), caption: "Decisions and conversions received",
        columns: [{ label: "Key" }, { label: "Kind" }, { label: "Visitor" }, { label: "Revenue", class: "num" }, { label: "Value", class: "num" }, { label: "Problems" }, { label: "Namespace", class: "wide-only place-cell" }, { label: "Time", class: "num" }],
        row: (one) => ({ attrs: { "data-open": true }, cells: [
          o.rowLink(o.route.format({ page: "exchanges", parts: [one.namespace, one.exchange] }), one.key || one.entity_id || "(no key)"), o.words.sentence(one.kind), o.h("code", {}, one.visitor_id),
          typeof one.revenue === "number" ? o.words.money(one.revenue) : "–", typeof one.value === "number" ? o.words.number(one.value) : "–",
          one.problems && one.problems.length ? o.badge("warn", o.words.plural(one.problems.length, "problem"), { title: one.problems.map((note) => note.message).join(" ") }) : "", place(one), o.time(one.timestamp)] }),
        empty: () => o.empty("Nothing received yet", "Point an Optimizely SDK or the forwarder at this address:", sandbox()),
      }));
  }

  o.views = o.views || {};
  Object.assign(o.views, { events, received });
})((globalThis.optilocal = globalThis.optilocal || {}));
