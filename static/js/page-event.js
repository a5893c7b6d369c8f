/* The journey of one event: from Segment to its verdict, stopping at the stage that ended it, and what to change. */
(function (o) {
  "use strict";

  const MARKS = {
    passed: "good",
    done: "good",
    ended: "bad",
    verdict: "idle",
    unreached: "idle",
    skipped: "idle",
    noted: "warn",
  };
  const SAID = {
    passed: "passed",
    done: "",
    noted: "not the user",
    ended: "ended here",
    verdict: "",
    unreached: "not reached",
    skipped: "does not apply",
  };

  function strip(stages) {
    return o.h(
      "nav",
      { class: "stage-strip", "aria-label": "Stages" },
      o.h(
        "ol",
        {},
        stages.map((stage) =>
          o.h(
            "li",
            { class: "is-" + stage.state },
            o.h(
              "button",
              {
                type: "button",
                on: {
                  click: () => {
                    const target = document.getElementById("stage-" + stage.id);
                    target.scrollIntoView({ block: "start" });
                    target.querySelector("h3").focus({ preventScroll: true });
                  },
                },
              },
              o.h("span", { class: "node" }, o.icon(MARKS[stage.state])),
              o.h("span", { class: "stage-name" }, stage.title),
              o.h("span", { class: "visually-hidden" }, " " + SAID[stage.state]),
            ),
          ),
        ),
      ),
    );
  }

  /** A stage that ended or settled the event shows all it has; the others fold it away. */
  function stageDetails(stage, verdict, around) {
    const body = o.append(o.h("div", { class: "stage-body" }), [o.stageBody(stage.id, verdict, around)]);
    if (!body.hasChildNodes()) return o.h("p", { class: "stage-line" }, stage.line);
    const decisive = ["ended", "noted"].includes(stage.state) || stage.id === "attribution";
    if (decisive) return [o.h("p", { class: "stage-line" }, stage.line), body];
    return o.keep("stage-" + stage.id, stage.line, () => body);
  }

  function path(verdict, stages, around) {
    return o.h(
      "ol",
      { class: "path" },
      stages.map((stage) => {
        const open = stage.state !== "unreached" && stage.state !== "skipped";
        return o.h(
          "li",
          { class: "is-" + stage.state, id: "stage-" + stage.id, "data-stage": stage.id, "data-state": stage.state },
          o.h("div", { class: "node", "aria-hidden": "true" }, o.icon(MARKS[stage.state])),
          o.h(
            "div",
            { class: "stage" },
            o.h(
              "h3",
              { tabindex: "-1" },
              stage.title,
              SAID[stage.state] && o.h("span", { class: "stage-state" }, SAID[stage.state]),
            ),
            open && stageDetails(stage, verdict, around),
          ),
          stage.state === "ended" && o.h("p", { class: "stop", role: "note" }, "The event went no further."),
        );
      }),
    );
  }

  o.eventPath = { strip, path };

  function others(found, verdict) {
    if (found.length < 2) return null;
    return o.h(
      "p",
      { class: "callout" },
      o.icon("idle"),
      o.h(
        "span",
        {},
        `${found.length} events bear this id: `,
        found.map((one, i) => [
          i ? ", " : "",
          one === verdict
            ? o.h("strong", {}, `${one.namespace} ${one.number}`)
            : o.h(
                "a",
                {
                  href: o.route.format({
                    page: "event",
                    parts: [o.current.parts[0]],
                    params: { ns: one.namespace, n: one.number },
                  }),
                },
                `${one.namespace} ${one.number}`,
              ),
        ]),
      ),
    );
  }

  async function event(page) {
    const id = page.route.parts.join("/");
    page.title(`Event ${id}`);
    const { verdicts, last } = await o.eventData.find(id, page.route.params.ns || "*", page.signal);
    const verdict = verdicts.find((one) => String(one.number) === page.route.params.n) || verdicts[0];
    if (!verdict) {
      page.show(
        o.h("h1", {}, "No event with this id"),
        o.empty(
          id,
          "Nothing reported an event with this message id in the namespace that is chosen; the page shows it as soon as one arrives. To look for it by name:",
          null,
        ),
        o.h(
          "p",
          {},
          o.h(
            "a",
            {
              href: o.route.format({ page: "events", params: { q: o.filter.format([{ field: "text", value: id }]) } }),
            },
            "Search all events",
          ),
        ),
      );
      page.live("verdicts", { ns: page.route.params.ns || "*" }, last, o.reload);
      return;
    }
    const around = await o.eventData.surroundings(verdict, page.signal);
    const stages = o.journey.stages(verdict);
    const name =
      verdict.event || (verdict.kind === "deletion" ? `Deletion of ${verdict.user_id || "a user"}` : "Event");
    page.title(name);
    page.show(
      o.shell.back("events", "All events"),
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, name),
        o.meta(
          o.h("code", { class: "id" }, verdict.message_id || id),
          verdict.visitor_id && ["visitor ", o.h("code", {}, verdict.visitor_id)],
          o.time(verdict.timestamp),
          `namespace ${verdict.namespace}`,
        ),
      ),
      others(verdicts, verdict),
      o.h(
        "div",
        { class: "journey" },
        o.h("div", { class: "journey-top" }, o.eventPanels.banner(verdict), strip(stages)),
        o.h(
          "aside",
          { class: "journey-side", "aria-label": "Conditions and warnings" },
          verdict.kind === "deletion" ? null : o.eventPanels.conditions(verdict),
          o.eventPanels.warnings(verdict),
          o.h(
            "div",
            { class: "actions" },
            o.copy(
              "Copy link",
              () =>
                location.href.split("#")[0] +
                o.route.format({ page: "event", parts: [id], params: { ns: verdict.namespace } }),
              { "data-key": "c" },
            ),
            o.copy("Copy as text", () => o.texts.verdict(verdict)),
            o.source.kind === "live" &&
              verdict.message_id &&
              o.recordButton("Record as a scenario", verdict.namespace, verdict.message_id),
            o.source.kind === "live" &&
              verdict.delivery &&
              verdict.kind !== "deletion" &&
              o.h(
                "a",
                {
                  class: "button",
                  href: o.route.format({ page: "try", params: { ns: verdict.namespace, from: id, n: verdict.number } }),
                },
                "Edit and send again",
              ),
            o.jsonLink("verdicts", { ns: verdict.namespace, message_id: verdict.message_id }),
          ),
        ),
        o.h(
          "section",
          { class: "journey-path", "aria-labelledby": "path-title" },
          o.h("h2", { id: "path-title" }, verdict.kind === "deletion" ? "What happened" : "Its journey"),
          path(verdict, stages, around),
        ),
      ),
    );
    page.live(
      "exchanges",
      { ns: verdict.namespace },
      await o.eventData.newest(verdict.namespace, page.signal),
      o.reload,
    );
  }

  o.views = o.views || {};
  o.views.event = event;
})((globalThis.optilocal = globalThis.optilocal || {}));
