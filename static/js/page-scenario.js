/* One scenario: the field that differs, expected beside captured, what each event's verdict says, steps, source. */
(function (o) {
  "use strict";

  function verdicts(scenario) {
    const all = scenario.verdicts || [];
    if (!all.length) return null;
    return [
      o.h("h3", {}, all.length === 1 ? "Its event" : "Its events"),
      o.h(
        "ol",
        { class: "verdict-cards" },
        all
          .filter(Boolean)
          .map((one) =>
            o.h(
              "li",
              {},
              o.h(
                "p",
                {},
                o.outcomeBadge(one.outcome),
                " ",
                one.message_id || one.uuid
                  ? o.h(
                      "a",
                      { href: o.href("event", [one.message_id || one.uuid], { ns: one.namespace }) },
                      one.event || one.kind,
                    )
                  : one.event || one.kind,
              ),
              one.explanation && o.h("p", {}, one.explanation),
              o.words.isRemedy(one) && o.h("p", { class: "quiet" }, one.remedy),
            ),
          ),
      ),
    ];
  }

  function steps(scenario) {
    if (!(scenario.steps || []).length) return null;
    const failed = new Set((scenario.differences || []).map((one) => one.step));
    return o.keep("steps", `Steps (${scenario.steps.length})`, () =>
      o.h(
        "ol",
        { class: "steps" },
        scenario.steps.map((one) =>
          o.h(
            "li",
            { value: one.index, class: failed.has(one.index) ? "tone-bad" : null },
            o.h("span", { class: "kind" }, one.kind),
            " ",
            one.summary,
            " ",
            one.message_id &&
              o.h("a", { href: o.href("event", [one.message_id], { ns: scenario.namespace }) }, "journey"),
            " ",
            failed.has(one.index) && o.badge("bad", "differs here"),
            one.problem && o.h("p", { class: "tone-bad" }, one.problem),
            one.note && one.note !== one.problem && o.h("p", { class: "quiet" }, one.note),
          ),
        ),
      ),
    );
  }

  function source(scenario) {
    if (!scenario.source || !scenario.source.text) return null;
    const marked = new Set((scenario.differences || []).map((one) => one.line));
    const lines = scenario.source.text.replace(/\n$/, "").split("\n");
    const shown = o.h(
      "pre",
      { class: "code source", tabindex: "0", role: "region", "aria-label": "Scenario source" },
      lines.map((text, i) => {
        const number = scenario.source.first_line + i;
        const bad = marked.has(number);
        return o.h(
          "span",
          { class: "line" + (bad ? " is-marked" : "") },
          o.h("span", { class: "line-number" }, String(number)),
          o.h("span", { class: "line-mark" }, bad ? "▶" : ""),
          bad && o.h("span", { class: "visually-hidden" }, "differs: "),
          text,
          "\n",
        );
      }),
    );
    return o.keep("source", `Scenario source, ${scenario.file}`, () => shown, marked.size > 0);
  }

  /** The nodes of one scenario's detail; `page.route.params.d` is the difference shown, from 1. */
  o.scenarioDetail = function scenarioDetail(run, scenario, page) {
    const all = scenario.differences || [];
    const chosen = Math.max(0, Math.min(all.length - 1, Number(page.route.params.d || 1) - 1 || 0));
    const { tone, label } = o.words.status(scenario.status);
    const address = () =>
      location.href.split("#")[0] +
      o.route.format({ page: "runs", parts: [run.id, scenario.id], params: { d: all.length > 1 ? chosen + 1 : null } });
    return [
      o.h(
        "a",
        {
          class: "back",
          "data-back": true,
          "data-key": "Escape",
          href: o.href("runs", [page.route.parts[0] || "latest"], { all: 1, q: page.route.params.q }),
        },
        "All scenarios",
      ),
      o.h(
        "div",
        { class: "scenario-head" },
        o.h("h2", {}, scenario.name),
        o.h(
          "p",
          { class: "meta" },
          o.badge(tone, label),
          o.h("span", { class: "mono quiet" }, `${scenario.file}:${scenario.line}`),
          o.h("span", { class: "quiet" }, o.words.duration(scenario.duration_ms)),
          o.source.kind === "live" &&
            scenario.namespace &&
            o.h(
              "a",
              { href: o.route.format({ page: "events", params: { ns: scenario.namespace } }) },
              `namespace ${scenario.namespace}`,
            ),
          (scenario.tags || []).map((tag) =>
            o.h(
              "a",
              {
                class: "tag",
                href: o.href("runs", [page.route.parts[0] || "latest"], {
                  q: o.filter.format([{ field: "tag", value: tag }]),
                  all: 1,
                }),
              },
              "@" + tag,
            ),
          ),
        ),
        scenario.teaches && o.h("p", { class: "teaches" }, scenario.teaches),
      ),
      scenario.status === "error" &&
        o.h(
          "p",
          { class: "callout tone-bad" },
          o.icon("bad"),
          o.h("span", {}, scenario.reason || "The scenario could not run."),
        ),
      (scenario.problems || []).map((one) =>
        o.h(
          "p",
          { class: "callout tone-bad" },
          o.icon("bad"),
          o.h("span", {}, `Step ${one.step + 1}, line ${one.line}: ${one.message}`),
        ),
      ),
      all.length > 0 && [
        o.h("h3", { class: "visually-hidden" }, o.words.plural(all.length, "difference")),
        o.difference.card(scenario, all[chosen], chosen, page),
        o.difference.overview(scenario, chosen, page),
      ],
      o.h(
        "div",
        { class: "actions" },
        scenario.rerun && o.h("code", { class: "rerun" }, scenario.rerun),
        scenario.rerun && o.copy("Copy rerun command", scenario.rerun, { "data-key": "r" }),
        o.copy("Copy link", address, { "data-key": "c" }),
        o.copy("Copy as text", () => o.texts.scenario(scenario)),
      ),
      o.pairs(scenario, chosen),
      verdicts(scenario),
      source(scenario),
      steps(scenario),
    ];
  };
})((globalThis.optilocal = globalThis.optilocal || {}));
