/* A fault rule by form: which requests fail, how, and how many of them. */
(function (o) {
  "use strict";

  const WAYS = [
    ["503", "answers 503"],
    ["429", "answers 429"],
    ["400", "answers 400"],
    ["reset", "resets the connection"],
    ["hang_up", "hangs up"],
    ["truncate", "cuts the answer short"],
    ["garbage", "answers with garbage"],
    ["", "only answers late"],
  ];
  const OWN = ["namespace", "seen", "applied", "active"];

  /** A rule as it is set once more: what is left of it. */
  function left(rule) {
    const kept = Object.fromEntries(Object.entries(rule).filter(([name]) => !OWN.includes(name)));
    return rule.times === null || rule.times === undefined
      ? kept
      : { ...kept, times: Math.max(0, rule.times - (rule.applied || 0)) };
  }

  /** The form for one namespace; `all` are the rules that are there. */
  o.faultForm = function faultForm(ns, all) {
    const number = (id, value) => o.h("input", { type: "number", id, min: 0, value });
    const on = o.choice("fault-on", Object.entries(o.words.SURFACES).filter(([name]) => name !== "results"));
    const how = o.choice("fault-how", WAYS);
    const phase = o.choice("fault-phase", [
      ["before", "before it is recorded"],
      ["after", "after it was recorded"],
    ]);
    const times = number("fault-times", 2);
    const late = number("fault-late", 0);
    const said = o.h("p", { role: "status", class: "form-line" });
    const add = o.h("button", { type: "button", class: "button primary" }, "Set this fault");
    add.addEventListener("click", async () => {
      const way = how.value;
      const rule = { on: on.value, phase: phase.value };
      if (/^\d+$/.test(way)) rule.status = Number(way);
      else if (way) rule.break = way;
      if (Number(late.value)) rule.latency_ms = Number(late.value);
      if (times.value !== "") rule.times = Number(times.value);
      const here = all.filter((one) => (one.namespace || "default") === ns && one.active !== false);
      try {
        await o.source.send("PUT", "faults", { params: { ns }, body: [...here.map(left), rule] });
      } catch (error) {
        if (!(error instanceof o.data.Problem)) throw error;
        said.replaceChildren(o.badge("bad", error.message));
        return;
      }
      await o.strip.look();
      o.reload();
    });
    return o.h(
      "section",
      { class: "card", "aria-labelledby": "fault-title" },
      o.h("h2", { id: "fault-title" }, `Make something fail in ${ns}`),
      o.h(
        "div",
        { class: "event-form" },
        o.field("Requests to", on),
        o.field("What happens", how),
        o.field("When", phase),
        o.field("How many times, empty for all", times),
        o.field("Late by, milliseconds", late),
      ),
      o.h("div", { class: "actions" }, add, said),
    );
  };
})((globalThis.optilocal = globalThis.optilocal || {}));
