/* The address of a view: everything a page shows is in the hash, so that any view can be linked and opened from disk. */
(function (o) {
  "use strict";

  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };

  /** "#/page/part/part?name=value" → {page, parts, params}; whatever cannot be decoded is kept as it is. Without a page it is
   *  the one that a reader begins with: what happens, or in a report its run. */
  function parse(hash) {
    const text = String(hash || "").replace(/^#?\/?/, "");
    const at = text.indexOf("?");
    const path = at < 0 ? text : text.slice(0, at);
    const params = Object.fromEntries(new URLSearchParams(at < 0 ? "" : text.slice(at + 1)));
    const parts = path.replace(/\/+$/, "").split("/").map(decode);
    return { page: parts.shift() || (o.source && o.source.kind === "live" ? "home" : "runs"), parts, params };
  }

  /** The reverse of parse; parameters that are null, undefined or empty are left out. */
  function format({ page, parts = [], params = {} }) {
    const path = [page, ...parts].map((part) => encodeURIComponent(part)).join("/");
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) {
      if (value !== null && value !== undefined && value !== "") query.append(name, value);
    }
    const tail = query.toString();
    return "#/" + path + (tail ? "?" + tail : "");
  }

  /** The page of one verdict's event. */
  const ofEvent = (one) =>
    format({
      page: "event",
      parts: [one.message_id || one.uuid || String(one.number)],
      params: { ns: one.namespace, n: one.number },
    });

  /** A scenario's id holds slashes; a link typed by hand may leave them as they are. */
  function scenarioOf(route) {
    return route.page === "runs" && route.parts.length > 1 ? route.parts.slice(1).join("/") : null;
  }

  o.route = { parse, format, ofEvent, scenarioOf };
})((globalThis.optilocal = globalThis.optilocal || {}));
