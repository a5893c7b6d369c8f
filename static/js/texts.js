/* What the copy buttons put on the clipboard: a curl command, a failure as text; pure functions. */
(function (o) {
  "use strict";

  const shell = (text) => "'" + String(text).replace(/'/g, "'\\''") + "'";
  const DROPPED = new Set([
    "host",
    "content-length",
    "connection",
    "accept-encoding",
    "transfer-encoding",
    "authorization",
  ]);

  /** An exchange → the command that sends the same request to `base` again; a masked token is left to the reader. */
  function curl(exchange, base) {
    const ns =
      exchange.namespace && exchange.namespace !== "default" ? "/ns/" + encodeURIComponent(exchange.namespace) : "";
    const query = exchange.query ? "?" + String(exchange.query).replace(/^\?/, "") : "";
    const lines = [`curl -i -X ${exchange.method} ${shell(base.replace(/\/$/, "") + ns + exchange.path + query)}`];
    for (const [name, value] of Object.entries(exchange.headers || {})) {
      if (name.toLowerCase() === "authorization") lines.push(`-H "Authorization: Bearer $OPTIMIZELY_TOKEN"`);
      else if (!DROPPED.has(name.toLowerCase())) lines.push(`-H ${shell(name + ": " + value)}`);
    }
    if (exchange.body !== null && exchange.body !== undefined && exchange.body !== "")
      lines.push(`--data-binary ${shell(exchange.body)}`);
    return lines.join(" \\\n  ");
  }

  /** A difference → three lines: where, expected, captured. */
  function difference(one) {
    const side = (name) => (name in one ? `${o.diff.show(one[name])} (${o.diff.typeOf(one[name])})` : "nothing");
    const lines = [
      `${one.where}: ${o.words.KINDS[one.kind] || one.kind}`,
      `  expected  ${side("expected")}`,
      `  captured  ${side("captured")}`,
    ];
    if (one.reason) lines.push(`  ${one.reason}`);
    if (one.nearest) lines.push(`  nearest: number ${one.nearest.index + 1}, ${one.nearest.score} fields equal`);
    if (one.file) lines.push(`  ${one.file}:${one.line}`);
    return lines.join("\n");
  }

  /** A scenario → text for an issue: name, place, every difference, the verdicts' sentences, the command to run it again. */
  function scenario(one) {
    const parts = [`${o.words.status(one.status).label}: ${one.name}`, `${one.file}:${one.line}`];
    if (one.reason) parts.push(one.reason);
    for (const item of one.problems || []) parts.push("", `Step ${item.step + 1}, line ${item.line}: ${item.message}`);
    for (const item of one.differences || []) parts.push("", difference(item));
    const told = (one.verdicts || []).filter((verdict) => verdict.explanation);
    if (told.length) parts.push("");
    for (const verdict of told) parts.push(`${verdict.outcome || verdict.kind}: ${verdict.explanation}`);
    if (one.rerun) parts.push("", `Run it again: ${one.rerun}`);
    return parts.join("\n") + "\n";
  }

  /** A verdict → text: outcome, sentence, remedy, and the stages with the one that ended it. */
  function verdict(one) {
    const marks = { passed: "ok", done: "ok", ended: "STOP", noted: "NOTE", verdict: "", unreached: "-", skipped: "-" };
    const lines = [`${one.event || one.kind}: ${o.words.outcome(one.outcome).label}`];
    if (one.explanation) lines.push(one.explanation);
    if (one.remedy) lines.push(`What to change: ${one.remedy}`);
    if (one.outcome) lines.push(`See ${o.words.page(one.outcome)}`);
    lines.push("");
    for (const stage of o.journey.stages(one))
      lines.push(`${marks[stage.state].padEnd(5)}${stage.title}: ${stage.line}`);
    return lines.join("\n") + "\n";
  }

  o.texts = { curl, scenario, verdict };
})((globalThis.optilocal = globalThis.optilocal || {}));
