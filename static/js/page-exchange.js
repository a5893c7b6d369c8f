/* Exchanges: every request on the imitated surface, raw and parsed, with what was wrong with it and what was answered. */
(function (o) {
  "use strict";

  const faultText = (rule) =>
    ["fault", rule.status || rule.break || (rule.latency_ms ? `${rule.latency_ms} ms` : ""), rule.phase]
      .filter(Boolean)
      .join(" ");

  function badges(one) {
    return [
      (one.violations || []).length > 0 && o.badge("bad", o.words.plural(one.violations.length, "violation")),
      (one.warnings || []).length > 0 && o.badge("warn", o.words.plural(one.warnings.length, "warning")),
      one.fault && o.badge("warn", faultText(one.fault)),
    ];
  }

  const answered = (status) =>
    status ? o.badge(status < 400 ? "good" : "bad", String(status)) : o.badge("bad", "no answer");

  async function list(page) {
    page.title("Exchanges");
    const slot = o.h("div", {});
    const now = page.route.params.surface || "";
    const choose = o.h(
      "div",
      { class: "chips", role: "group", "aria-label": "Surface" },
      [["", "All"], ...Object.entries(o.words.SURFACES)].map(([name, label]) =>
        o.h(
          "a",
          {
            class: "chip",
            "aria-current": now === name ? "true" : null,
            href: o.href("exchanges", [], { surface: name, q: page.route.params.q }),
          },
          label,
        ),
      ),
    );
    const search = o.search(
      "Filter exchanges",
      page.route.params.q,
      "text in path or body",
      (text) => (page.patch({ q: text, after: null }), o.reload()),
    );
    page.show(o.h("h1", {}, "Exchanges"), o.h("div", { class: "toolbar" }, search.node, choose), slot);
    if (page.route.params.q) search.input.focus();
    await o.listing(page, slot, {
      path: "exchanges",
      params: { surface: now || undefined, q: page.route.params.q },
      filtered: Boolean(now || page.route.params.q),
      caption: "Exchanges",
      columns: [
        { label: "Request" },
        { label: "Answer" },
        { label: "Notes" },
        { label: "Surface", class: "wide-only" },
        { label: "Namespace", class: "wide-only place-cell" },
        { label: "Time", class: "num" },
      ],
      row: (one) => ({
        attrs: { "data-open": true },
        cells: [
          o.rowLink(
            o.route.format({ page: "exchanges", parts: [one.namespace, one.number] }),
            o.h("span", { class: "mono" }, `${one.method} ${one.path}`),
          ),
          answered(one.status),
          badges(one),
          o.words.surface(one.surface),
          o.place(one.namespace),
          o.time(one.at),
        ],
      }),
      none: () => o.empty("No exchange matches", "Choose another surface, or all namespaces above."),
      empty: () =>
        o.empty(
          "No request yet",
          "Point a sender at this address; each request on the imitated surface appears here:",
          o.source.root,
        ),
      note: "Requests to the control surface are not listed.",
    });
  }

  const notes = (all, none) =>
    all && all.length
      ? o.h(
          "ul",
          { class: "notes" },
          all.map((one) =>
            o.h(
              "li",
              {},
              one.path && o.h("code", {}, one.path),
              " ",
              one.message,
              " ",
              o.h("span", { class: "quiet mono" }, one.code),
            ),
          ),
        )
      : o.h("p", { class: "quiet" }, none);

  function panels(one) {
    const parsed = one.json !== null && one.json !== undefined;
    return [
      [
        "parsed",
        "Parsed",
        () =>
          parsed
            ? o.json(one.json, "Parsed body")
            : o.h("p", { class: "quiet" }, "The request has no body that is JSON."),
      ],
      [
        "raw",
        "Raw",
        () => [
          o.h("h3", {}, "Headers"),
          o.facts(Object.entries(one.headers || {}).map(([name, value]) => [name, o.h("code", {}, value)])),
          o.h("h3", {}, "Body"),
          one.body
            ? o.json(one.body, "Raw body")
            : one.body_base64
              ? [
                  o.h("p", { class: "quiet" }, "The body is no text; in base64:"),
                  o.json(one.body_base64, "Body in base64"),
                ]
              : o.h("p", { class: "quiet" }, "No body."),
        ],
      ],
      [
        "violations",
        `Violations ${(one.violations || []).length + (one.warnings || []).length || ""}`.trim(),
        () => [
          o.h("h3", {}, "Violations"),
          notes(one.violations, "None: the request keeps to the API's own description."),
          o.h("h3", {}, "Warnings"),
          notes(one.warnings, "None."),
        ],
      ],
      [
        "answer",
        "Answer",
        () => [
          o.facts([
            ["Status", answered(one.status)],
            ["Fault applied", one.fault && o.h("code", {}, JSON.stringify(one.fault))],
          ]),
          one.response ? o.json(one.response, "Answer") : o.h("p", { class: "quiet" }, "The answer has no body."),
        ],
      ],
    ];
  }

  async function detail(page) {
    const [ns, number] = page.route.parts;
    const { exchanges } = await o.source.get(
      "exchanges",
      { ns, after: Number(number) - 1, limit: 1 },
      { signal: page.signal },
    );
    const one = exchanges.find((row) => String(row.number) === number);
    page.title(`Exchange ${number}`);
    if (!one) {
      page.show(
        o.h("h1", {}, `Exchange ${number}`),
        o.empty("Not in the journal", "It was dropped or erased, or the namespace was reset."),
      );
      return;
    }
    page.show(
      o.shell.back("exchanges", "All exchanges"),
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", { class: "mono" }, `${one.method} ${one.path}`),
        o.meta(
          answered(one.status),
          ...badges(one),
          o.words.surface(one.surface),
          o.time(one.at),
          `namespace ${one.namespace}`,
          `number ${one.number}`,
        ),
      ),
      (one.erased || []).length > 0 &&
        o.h(
          "p",
          { class: "callout tone-warn" },
          o.icon("warn"),
          o.h(
            "span",
            {},
            `${one.erased.length === 1 ? "A visitor was" : `${one.erased.length} visitors were`} erased from this exchange.`,
          ),
        ),
      o.h(
        "div",
        { class: "actions" },
        o.copy("Copy as curl", () => o.texts.curl(one, o.source.root)),
        o.copy("Copy link", () => location.href, { "data-key": "c" }),
        one.surface === "events" &&
          o.h(
            "a",
            { class: "button", href: o.route.format({ page: "received", params: { ns: one.namespace } }) },
            "Events of this namespace",
          ),
        o.jsonLink("exchanges", { ns, after: Number(number) - 1, limit: 1 }),
      ),
      o.tabbed("Parts of the exchange", panels(one), page),
    );
  }

  o.views = o.views || {};
  o.views.exchanges = (page) => (page.route.parts.length ? detail(page) : list(page));
})((globalThis.optilocal = globalThis.optilocal || {}));
