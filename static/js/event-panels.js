/* What stands above and beside a journey: the verdict in words, the four conditions, the warnings. */
(function (o) {
  "use strict";

  const answer = (value) =>
    value === true ? ["good", "Yes"] : value === false ? ["bad", "No"] : ["idle", "Not reached"];

  function conditions(verdict) {
    const given = verdict.conditions || {};
    return o.h(
      "section",
      { class: "conditions", "aria-labelledby": "conditions-title" },
      o.h("h2", { id: "conditions-title" }, "The four conditions"),
      o.h(
        "ul",
        {},
        o.words.CONDITIONS.map(([name, label, hint]) => {
          const sdk = name === "user_identified" && given[name] === null && !verdict.delivery;
          const [tone, word] = sdk ? ["idle", "Does not apply"] : answer(given[name]);
          return o.h(
            "li",
            { class: "tone-" + tone, "data-condition": name },
            o.icon(tone),
            o.h(
              "div",
              {},
              o.h("p", { class: "condition" }, o.h("span", {}, label), o.h("strong", {}, word)),
              o.h("p", { class: "quiet" }, hint),
            ),
          );
        }),
      ),
    );
  }

  function warnings(verdict) {
    const all = verdict.warnings || [];
    if (!all.length) return null;
    return o.h(
      "section",
      { class: "warnings", "aria-labelledby": "warnings-title" },
      o.h("h2", { id: "warnings-title" }, "Worth knowing"),
      o.h(
        "ul",
        {},
        all.map((one) =>
          o.h(
            "li",
            {},
            o.icon("warn"),
            o.h("div", {}, o.h("p", {}, one.message), o.h("p", { class: "quiet mono" }, one.code)),
          ),
        ),
      ),
    );
  }

  function banner(verdict) {
    const { tone, label } = o.words.outcome(verdict.outcome);
    const counted = verdict.outcome === "counted";
    const deletion = verdict.kind === "deletion";
    const says = deletion ? "Deletion" : counted ? "Counted" : "Not counted";
    return o.h(
      "section",
      { class: `verdict-banner tone-${tone}`, "aria-label": "Verdict" },
      o.h(
        "p",
        { class: "verdict-word" },
        o.icon(tone),
        o.h("strong", {}, says),
        !counted && !deletion && o.h("span", {}, label),
        verdict.outcome && o.h("code", { class: "quiet" }, verdict.outcome),
      ),
      o.h("p", { class: "explanation" }, verdict.explanation),
      o.words.isRemedy(verdict) &&
        o.h(
          "div",
          { class: "remedy" },
          o.h("h2", {}, deletion ? "What to know" : "What to change"),
          o.h("p", {}, verdict.remedy),
        ),
      verdict.outcome && o.h("p", { class: "quiet" }, "See ", o.h("code", {}, o.words.page(verdict.outcome))),
      counted &&
        (verdict.attributed_to || []).length > 0 &&
        o.h(
          "ul",
          { class: "attributed" },
          verdict.attributed_to.map((one) =>
            o.h(
              "li",
              {},
              o.h(
                "a",
                {
                  href: o.route.format({
                    page: "experiments",
                    parts: [one.experiment],
                    params: { ns: verdict.namespace },
                  }),
                },
                one.experiment,
              ),
              " › ",
              o.h("strong", {}, one.variation),
            ),
          ),
        ),
    );
  }

  o.eventPanels = { banner, conditions, warnings };
})((globalThis.optilocal = globalThis.optilocal || {}));
