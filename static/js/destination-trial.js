/* What the last events would become with another mapping or filter, before it is saved. */
(function (o) {
  "use strict";

  const LAST = 100;

  /** A section with a button; `configured()` gives what is tried, `{mappings}` or `{filters}`; `what` is its name. */
  o.destinationTrial = function destinationTrial(at, what, configured) {
    const result = o.h("div", { class: "form", "aria-live": "polite" });
    const button = o.h("button", { type: "button", class: "button" }, `Try on the last ${LAST} events`);

    async function run() {
      const { verdicts } = await o.source.get(
        "verdicts",
        { ns: at.ns, order: "newest", limit: LAST },
        { signal: at.signal },
      );
      const before = verdicts.filter((one) => one.delivery && one.delivery.source_event && one.kind !== "deletion");
      if (!before.length) {
        result.replaceChildren(
          o.h("p", { class: "quiet" }, "No event has come through the forwarder yet; send one from Try."),
        );
        return;
      }
      const answer = await o.source.send("POST", "preview", {
        params: { ns: at.ns },
        body: { events: before.map((one) => one.delivery.source_event), ...configured() },
        signal: at.signal,
      });
      const changed = before
        .map((one, i) => [one, answer.verdicts[i]])
        .filter(([was, is]) => was.outcome !== is.outcome);
      o.refill(result, [
        o.h(
          "p",
          {},
          o.h("strong", {}, `${o.words.plural(changed.length, "event")} of ${before.length} would end otherwise.`),
        ),
        changed.length > 0 &&
          o.table(
            "Events that would end otherwise",
            [{ label: "Event" }, { label: "Was" }, { label: "Would be" }, { label: "Why", class: "wide-only" }],
            changed.map(([was, is]) => [
              o.h(
                "a",
                {
                  href: o.route.format({
                    page: "event",
                    parts: [was.message_id],
                    params: { ns: was.namespace, n: was.number },
                  }),
                },
                was.event || "(no name)",
              ),
              o.outcomeBadge(was.outcome),
              o.outcomeBadge(is.outcome),
              o.h("span", { class: "quiet" }, is.explanation),
            ]),
            { class: "stack" },
          ),
      ]);
    }

    button.addEventListener("click", () => run().catch(at.trouble(result)));
    return o.h(
      "section",
      { class: "form", "aria-labelledby": "trial-title" },
      o.h("h3", { id: "trial-title" }, "What would the last events become?"),
      o.h("p", { class: "quiet" }, `With this ${what} as it stands here, saved or not. Nothing is sent.`),
      o.h("div", { class: "actions" }, button),
      result,
    );
  };
})((globalThis.optilocal = globalThis.optilocal || {}));
