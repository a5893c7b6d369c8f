/* Faults: the rules in force, how often each was applied, and a button that ends them. */
(function (o) {
  "use strict";

  /** What a rule does, in words: "answers 503, first two requests spared". */
  function does(rule) {
    const parts = [];
    if (rule.latency_ms) parts.push(`waits ${o.words.duration(rule.latency_ms)}`);
    if (rule.break)
      parts.push(
        {
          reset: "resets the connection",
          hang_up: "hangs up",
          truncate: "cuts the answer short",
          garbage: "answers with garbage",
        }[rule.break] || rule.break,
      );
    if (rule.status) parts.push(`answers ${rule.status}`);
    if (rule.chance !== undefined && rule.chance !== null && rule.chance < 1)
      parts.push(`with a chance of ${o.words.percent(rule.chance, 1)}`);
    if (rule.skip) parts.push(`after ${o.words.plural(rule.skip, "request")} spared`);
    return parts.join(", ") || "nothing";
  }

  const left = (rule) =>
    rule.times === null || rule.times === undefined
      ? "until ended"
      : `${Math.max(0, rule.times - (rule.applied || 0))} of ${rule.times}`;

  async function faults(page) {
    page.title("Faults");
    const all = (await o.source.get("faults", { ns: o.shell.ns() }, { signal: page.signal })).faults;
    const places = [...new Set(all.map((one) => one.namespace || "default"))];
    page.show(
      o.heading("Faults", "faults"),
      o.faultForm(o.shell.ns() === "*" ? "default" : o.shell.ns(), all),
      all.length
        ? places.map((ns) => {
            const rules = all.filter((one) => (one.namespace || "default") === ns);
            return o.h(
              "section",
              { class: "card", "aria-label": `Faults in ${ns}` },
              o.h(
                "div",
                { class: "card-head" },
                o.h("h2", {}, ns),
                o.h(
                  "button",
                  { type: "button", class: "button", on: { click: () => o.strip.end("faults", [ns]) } },
                  rules.length > 1 ? "End these faults" : "End this fault",
                ),
              ),
              o.table(
                `Rules in ${ns}`,
                [
                  { label: "On" },
                  { label: "Does" },
                  { label: "Phase" },
                  { label: "Applied", class: "num" },
                  { label: "Left", class: "num" },
                  { label: "State" },
                ],
                rules.map((rule) => [
                  o.words.surface(rule.on),
                  does(rule),
                  rule.phase === "after" ? "after: recorded, then told to have failed" : "before: nothing is recorded",
                  o.words.number(rule.applied || 0),
                  left(rule),
                  rule.active === false ? o.badge("idle", "Spent") : o.badge("warn", "Active"),
                ]),
                { class: "labelled" },
              ),
            );
          })
        : o.empty(
            "No fault is set",
            "Every answer is what it would be. To have the Event API refuse the next two requests:",
            `curl -X PUT ${o.source.base}_emulator/faults -d '[{"on": "events", "status": 503, "times": 2}]'`,
          ),
    );
    const timer = setTimeout(
      () => document.hidden || document.getElementById("main").contains(document.activeElement) || o.reload(),
      3000,
    );
    page.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  o.views = o.views || {};
  o.views.faults = faults;
})((globalThis.optilocal = globalThis.optilocal || {}));
