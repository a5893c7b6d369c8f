/* The lists of the journal: events with their verdicts, and the decisions and conversions that Optimizely received. */
(function (o) {
  "use strict";

  const newest = (a, b) => (b.timestamp || 0) - (a.timestamp || 0) || b.number - a.number;
  const who = (one) => one.visitor_id || one.user_id || one.anonymous_id || "";

  function events(page) {
    page.title("Events");
    return o.eventLists.frame(
      page,
      "Events",
      'outcome:user_not_activated event:"Order Completed" u-1',
      o.eventLists.outcomes(page),
      (inner, slot, filter) =>
        o.listing(inner, slot, {
          ...filter,
          path: "verdicts",
          caption: "Events and their verdicts",
          sort: newest,
          columns: [
            ...o.eventLists.COLUMNS,
            { label: "Visitor", class: "visitor-cell" },
            { label: "Namespace", class: "wide-only place-cell" },
            { label: "Time", class: "num" },
          ],
          row: (one) => ({
            attrs: { "data-open": true },
            cells: [
              ...o.eventLists.cells(one),
              o.visitorLink(who(one), one.namespace),
              o.place(one.namespace),
              o.time(one.timestamp),
            ],
          }),
          empty: () =>
            o.empty(
              "No event yet",
              "Compose one on the page Try, or run the shipped suite against this sandbox:",
              `optilocal run --emulator ${o.source.root}`,
            ),
          note: "Requests to the control surface are not listed.",
        }),
    );
  }

  function received(page) {
    page.title("Received");
    return o.eventLists.frame(page, "Received", "kind:decision visitor:u-1", null, (inner, slot, filter) =>
      o.listing(inner, slot, {
        ...filter,
        path: "events",
        caption: "Decisions and conversions received",
        sort: newest,
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
            o.visitorLink(one.visitor_id, one.namespace),
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
          o.empty("Nothing received yet", "Point an Optimizely SDK or the forwarder at this address:", o.source.root),
      }),
    );
  }

  o.views = o.views || {};
  Object.assign(o.views, { events, received });
})((globalThis.optilocal = globalThis.optilocal || {}));
