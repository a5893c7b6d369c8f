/* Long lists out of the journal: newest first, one bounded page at a time, live without moving under the reader. */
(function (o) {
  "use strict";

  const ROWS = 100;
  const NEWS = 50;
  const PAGES = 20;
  const TYPING_MS = 80;

  /** A labelled search field that tells its text a moment after the last key; `/` goes to it. */
  function search(label, text, hint, onText) {
    const input = o.h("input", {
      type: "search",
      "data-key": "/",
      "aria-label": label,
      placeholder: hint,
      value: text || "",
      spellcheck: "false",
      autocomplete: "off",
    });
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => onText(input.value.trim()), TYPING_MS);
    });
    return { input, node: o.h("div", { class: "search" }, input, o.h("kbd", { "aria-hidden": "true" }, "/")) };
  }

  /** New content for a slot; the focus and what was unfolded stay where they were when it is still there. */
  function refill(slot, nodes) {
    const active = slot.contains(document.activeElement) ? document.activeElement : null;
    const mark =
      active &&
      (active.getAttribute("href")
        ? `[href="${CSS.escape(active.getAttribute("href"))}"]`
        : active.dataset.key
          ? `[data-key="${CSS.escape(active.dataset.key)}"]`
          : active.getAttribute("aria-label")
            ? `[aria-label="${CSS.escape(active.getAttribute("aria-label"))}"]`
            : null);
    const open = new Map([...slot.querySelectorAll("details[data-keep]")].map((one) => [one.dataset.keep, one.open]));
    slot.replaceChildren();
    o.append(slot, [].concat(nodes));
    for (const one of slot.querySelectorAll("details[data-keep]"))
      if (open.has(one.dataset.keep)) one.open = open.get(one.dataset.keep);
    const again = mark && slot.querySelector(mark);
    if (again) again.focus({ preventScroll: true });
  }

  /** A fold that stays as the reader left it when the page is drawn again. */
  function keep(name, summary, build, open) {
    const node = o.fold(summary, build, open);
    node.dataset.keep = name;
    return node;
  }

  const busy = (node) => node.matches(":hover") || node.contains(document.activeElement);

  /** Draws and follows one listing. `what`: {path, params, caption, columns, row, empty, none, keep}; keep(one) is
   *  asked of each row where the server cannot leave it out; row(one) gives {href, cells}
   *  or {attrs, cells}. Rows that arrive while the reader points at the list or is in it wait behind a bar. */
  async function listing(page, slot, what) {
    const cursor = page.route.params.after;
    const ns = o.shell.ns();
    const asked = { ns, order: "newest", limit: ROWS, ...what.params };
    const bar = o.h("div", { class: "new-bar", "aria-live": "polite" });
    const body = o.h("div", { class: "list-body" });
    const foot = o.h("div", { class: "list-foot" });
    o.append(slot, [bar, body, foot]);

    /** One page; where the page itself leaves rows out, further ones are asked for until there are enough to show. */
    async function read() {
      const rows = [];
      let answer;
      let last;
      let older;
      let after = cursor;
      for (let pages = 0; pages < PAGES; pages += 1) {
        answer = await o.source.get(what.path, { ...asked, after }, { signal: page.signal });
        const all = answer[what.path];
        rows.push(...(what.keep ? all.filter(what.keep) : all));
        if (last === undefined) last = answer.last;
        older = (all.length === ROWS || answer.more) && answer.next !== null && answer.next !== undefined;
        if (!what.keep || rows.length >= ROWS || !older) break;
        after = answer.next;
      }
      return { answer, rows, last, older };
    }

    /** A row; of one that the emulator cannot read any more, that. */
    function shown(one) {
      if (!one.unreadable) return what.row(one);
      const blank = what.columns.slice(1).map(() => "");
      return { attrs: {}, cells: [`Row ${one.number} cannot be shown: ${one.unreadable}`, ...blank] };
    }

    async function draw() {
      const { answer, rows, last, older } = await read();
      if (what.sort) rows.sort(what.sort);
      bar.replaceChildren();
      if (rows.length) o.refill(body, [o.table(what.caption, what.columns, rows.map(shown), { class: "stack" })]);
      else body.replaceChildren(what.filtered ? what.none() : what.empty());
      o.keys.settle(body);
      o.refill(foot, [
        answer.dropped > 0 &&
          o.h(
            "p",
            { class: "callout tone-warn" },
            o.icon("warn"),
            o.h("span", {}, `${o.words.plural(answer.dropped, "older row")} dropped: the journal is bounded.`),
          ),
        o.h(
          "p",
          { class: "quiet" },
          rows.length ? o.words.plural(rows.length, "row") + (older ? " of more, newest first. " : ". ") : "",
          what.note || "",
        ),
        o.h(
          "div",
          { class: "pager" },
          cursor &&
            o.h(
              "a",
              {
                class: "button",
                href: o.route.format({ ...page.route, params: { ...page.route.params, after: null } }),
              },
              "Newest",
            ),
          older &&
            o.h(
              "a",
              {
                class: "button",
                href: o.route.format({ ...page.route, params: { ...page.route.params, after: answer.next } }),
              },
              "Older",
            ),
          o.jsonLink(what.path, asked),
        ),
      ]);
      return { last };
    }

    const first = await draw();
    if (cursor) return;
    let waiting = 0;
    const { order: _order, limit: _limit, ...filters } = asked;
    page.live(what.path, { ...filters, limit: NEWS }, first.last, async (rows) => {
      if (!busy(body) || !body.querySelector("table")) {
        waiting = 0;
        await draw();
        return;
      }
      waiting += rows.length;
      bar.replaceChildren(
        o.h(
          "button",
          { type: "button", class: "button new-rows", on: { click: () => ((waiting = 0), draw()) } },
          `${o.words.number(waiting)}${rows.length === NEWS ? "+" : ""} new ${waiting === 1 ? "row" : "rows"}: show`,
        ),
      );
    });
  }

  /** Where the data of this view can be read as JSON. */
  function jsonLink(path, params) {
    const address = o.source.address(path, params);
    return address && o.h("a", { class: "quiet json-link", href: address, target: "_blank", rel: "noopener" }, "JSON");
  }

  /** A page's heading, with the way to the same as JSON. */
  const heading = (title, path) =>
    o.h("div", { class: "title-row" }, o.h("h1", {}, title), jsonLink(path, { ns: o.shell.ns() }));

  /** A row's first cell: the link that the row opens. */
  const rowLink = (href, ...content) => o.h("a", { href, "data-row": true }, content);

  Object.assign(o, { search, refill, keep, listing, jsonLink, heading, rowLink });
})((globalThis.optilocal = globalThis.optilocal || {}));
