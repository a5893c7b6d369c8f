/* Elements without markup: what was received only ever becomes text nodes and attributes. */
(function (o) {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const ICONS = {
    good: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2ZM7 11 3.9 7.9l1.2-1.2L7 8.6l3.9-3.9 1.2 1.2L7 11Z",
    bad: "M5.2 1.2h5.6l4 4v5.6l-4 4H5.2l-4-4V5.2l4-4ZM5.3 6.4 6.9 8 5.3 9.6l1.1 1.1L8 9.1l1.6 1.6 1.1-1.1L9.1 8l1.6-1.6-1.1-1.1L8 6.9 6.4 5.3 5.3 6.4Z",
    idle: "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Zm0 1.6a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8ZM4.8 7.2h6.4v1.6H4.8V7.2Z",
    warn: "M8 1.4 15.2 14H.8L8 1.4Zm-.8 4.8v4h1.6v-4H7.2Zm0 5v1.6h1.6v-1.6H7.2Z",
    chevron: "m5.5 3 5 5-5 5-1.1-1.1L8.3 8 4.4 4.1 5.5 3Z",
  };

  function append(node, children) {
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false || child === "") continue;
      node.append(child instanceof Node ? child : String(child));
    }
    return node;
  }

  /** h("a", {href, class, on: {click}}, …children): children are nodes or text; null, false and "" are left out. */
  function h(tag, attrs, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attrs || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    return append(node, children);
  }

  function svg(tag, attrs, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attrs || {})) node.setAttribute(name, String(value));
    return append(node, children);
  }

  function icon(name) {
    return svg(
      "svg",
      { viewBox: "0 0 16 16", class: "icon icon-" + name, "aria-hidden": "true" },
      svg("path", { d: ICONS[name] }),
    );
  }

  /** A status is a shape and a word; its colour only repeats them. */
  function badge(tone, label, attrs) {
    return h(
      "span",
      { ...attrs, class: `badge tone-${tone}` + (attrs && attrs.class ? " " + attrs.class : "") },
      icon(tone),
      h("span", {}, label),
    );
  }

  function outcome(slug) {
    const { tone, label, hint } = o.words.outcome(slug);
    return badge(tone, label, { title: hint || null });
  }

  /** A time in the reader's zone; UTC on hover and in the datetime attribute. */
  function time(ms) {
    if (typeof ms !== "number") return h("span", { class: "quiet" }, "–");
    const valid = Math.abs(ms) <= 8.64e15;
    return h(
      "time",
      { datetime: valid ? new Date(ms).toISOString() : null, title: o.words.utc(ms) },
      o.words.local(ms, Date.now()),
    );
  }

  /** A table with real headers: columns [{label, class}], rows as lists of cells or {attrs, cells}; the first cell names its row.
   *  The roles repeat what the elements say: a phone's stacked rows would lose it otherwise. */
  function table(caption, columns, rows, attrs) {
    const cells = (row) =>
      row.map((cell, i) =>
        h(
          i === 0 ? "th" : "td",
          {
            scope: i === 0 ? "row" : null,
            role: i === 0 ? "rowheader" : "cell",
            class: columns[i].class,
            "data-label": columns[i].label,
          },
          cell,
        ),
      );
    return h(
      "div",
      { class: "table-wrap", tabindex: "0", role: "region", "aria-label": caption },
      h(
        "table",
        { role: "table", ...attrs },
        h("caption", { class: "visually-hidden" }, caption),
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            columns.map((one) => h("th", { scope: "col", role: "columnheader", class: one.class }, one.label)),
          ),
        ),
        h(
          "tbody",
          { role: "rowgroup" },
          rows.map((row) =>
            h(
              "tr",
              { role: "row", ...(Array.isArray(row) ? {} : row.attrs) },
              cells(Array.isArray(row) ? row : row.cells),
            ),
          ),
        ),
      ),
    );
  }

  /** A visitor's id, or that it was erased. */
  function visitor(id) {
    return id === "[erased]"
      ? h("em", { class: "quiet", title: "A request for erasure removed this visitor" }, "erased")
      : h("code", {}, id);
  }

  /** A visitor's id that leads to all it did. */
  function visitorLink(id, ns) {
    if (!id || id === "[erased]" || o.source.kind !== "live") return visitor(id || "");
    return h(
      "a",
      { class: "visitor", href: o.route.format({ page: "visitor", parts: [id], params: { ns } }) },
      visitor(id),
    );
  }

  /** An outcome's badge; a call that was never meant to convert is not red. */
  const verdictBadge = (verdict) =>
    o.words.isConversion(verdict) || verdict.kind === "deletion"
      ? outcome(verdict.outcome)
      : badge("idle", "No conversion", { title: "An ordinary call that no mapping sends to Optimizely" });

  /** A namespace in the width of a column: its two ends, which tell it from others, and the whole on hover. */
  function place(name) {
    const text = String(name);
    return h("span", { title: text }, text.length > 22 ? `${text.slice(0, 9)}…${text.slice(-10)}` : text);
  }

  /** A line of small facts, each apart from the next. */
  function meta(...items) {
    return h(
      "p",
      { class: "meta quiet" },
      items.filter(Boolean).map((one) => (one instanceof Element ? one : h("span", {}, one))),
    );
  }

  /** Pairs of name and value as a description list; values that are absent are left out. */
  function facts(pairs) {
    return h(
      "dl",
      { class: "facts" },
      pairs
        .filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "")
        .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    );
  }

  function json(value, label) {
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    return h(
      "pre",
      { class: "code", tabindex: "0", role: "region", "aria-label": label || "JSON" },
      text === undefined ? "" : text,
    );
  }

  /** A fold: summary line, and content that is built only when it is first opened. */
  function fold(summary, build, open) {
    const node = h(
      "details",
      { class: "fold", open: open || null },
      h("summary", {}, icon("chevron"), h("span", {}, summary)),
    );
    const fill = () => {
      if (node.open && node.children.length === 1) append(node, [build()]);
    };
    node.addEventListener("toggle", fill);
    fill();
    return node;
  }

  /** A choice of options, each a text or [value, label]. */
  const choice = (id, options) =>
    h(
      "select",
      { id },
      options.map((one) => h("option", { value: [one].flat()[0] }, [one].flat().pop())),
    );

  /** An input below its label, with a hint where there is one. */
  function field(label, input, hint) {
    input.id = input.id || "field-" + label.toLowerCase().replace(/\W+/g, "-");
    return h("div", { class: "field" }, h("label", { for: input.id }, label), input, hint && h("p", { class: "quiet" }, hint));
  }

  Object.assign(o, {
    h,
    svg,
    icon,
    badge,
    outcomeBadge: outcome,
    verdictBadge,
    visitorLink,
    time,
    table,
    meta,
    place,
    facts,
    json,
    fold,
    choice,
    field,
    append,
  });
})((globalThis.optilocal = globalThis.optilocal || {}));
