/* The filter line: `status:failed @revenue !tag:slow "two words"`; pure functions from text to tokens to a yes or no. */
(function (o) {
  "use strict";

  const ALIASES = {
    s: "status",
    t: "tag",
    e: "event",
    event_key: "event",
    v: "visitor",
    visitor_id: "visitor",
    exp: "experiment",
  };
  const EXACT = ["visitor", "uuid", "message_id"];
  const TOKEN = /(!?)(?:(@)|([a-z_]+):)?("(?:[^"\\]|\\.)*"?|[^\s"]+)/gi;

  const alias = (name) => (Object.hasOwn(ALIASES, name) ? ALIASES[name] : name);

  const unquote = (text) => (text.startsWith('"') ? text.slice(1).replace(/"$/, "").replace(/\\(.)/g, "$1") : text);

  const quote = (text) => (/^[^\s":!@]+$/.test(text) ? text : '"' + text.replace(/(["\\])/g, "\\$1") + '"');

  /** Text → [{field, value, not}]; field is "text" for a bare word. Fields not in `known` are read as plain text. */
  function parse(text, known) {
    const tokens = [];
    for (const [whole, not, at, name, raw] of String(text || "").matchAll(TOKEN)) {
      let field = at ? "tag" : name ? alias(name.toLowerCase()) : "text";
      let value = unquote(raw);
      if (field !== "text" && !known.includes(field)) {
        field = "text";
        value = unquote(whole.slice(not.length));
      }
      if (value !== "") tokens.push({ field, value, not: not === "!" });
    }
    return tokens;
  }

  /** Tokens → text that parses to the same tokens. */
  function format(tokens) {
    return tokens
      .map(({ field, value, not }) => {
        const head = field === "text" ? "" : field === "tag" ? "@" : field + ":";
        return (not ? "!" : "") + head + quote(value);
      })
      .join(" ");
  }

  /** Put `field:value` into the filter in place of other values of that field, or take it out when it is there. */
  function toggle(text, field, value, known) {
    const tokens = parse(text, known);
    const same = (token) => token.field === field && token.value === value && !token.not;
    const rest = tokens.filter((token) => token.field !== field || token.not);
    return format(tokens.some(same) ? rest : [...rest, { field, value, not: false }]);
  }

  const has = (value, wanted) =>
    String(value === null || value === undefined ? "" : value)
      .toLowerCase()
      .includes(wanted);

  /** The words before a colon that are no filter words, in the order typed: they are searched for as text. */
  function unknown(text, known) {
    const words = [...String(text || "").matchAll(/(?:^|\s)!?([a-z_]+):(?=\S)/gi)].map((found) => found[1]);
    return [...new Set(words)].filter((word) => !known.includes(alias(word.toLowerCase())));
  }

  /** Does a row match? `read[field](row)` gives a value or a list of values; named fields match whole, text matches within. */
  function matches(tokens, row, read) {
    return tokens.every(({ field, value, not }) => {
      const wanted = value.toLowerCase();
      const found = [].concat(read[field](row));
      // Ids that differ in case are two people, or two events.
      const plain = (one) => (EXACT.includes(field) ? String(one) : String(one).toLowerCase());
      const hit =
        field === "text"
          ? found.some((one) => has(one, wanted))
          : found.some((one) => plain(one === null || one === undefined ? "" : one) === plain(value));
      return hit !== not;
    });
  }

  /** Tokens → the server's query parameters: named fields by `names`, bare words joined as q; the first of a field wins. */
  function query(tokens, names) {
    const params = {};
    const words = [];
    for (const { field, value, not } of tokens) {
      if (not) continue;
      if (field === "text") words.push(value);
      else if (names[field] && !(names[field] in params)) params[names[field]] = value;
    }
    if (words.length) params.q = words.join(" ");
    return params;
  }

  o.filter = { parse, format, toggle, unknown, matches, query };
})((globalThis.optilocal = globalThis.optilocal || {}));
