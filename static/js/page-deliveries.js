/* Deliveries: what waits, what ended, the dead letters with their replay, and what the Tracking API did not take. */
(function (o) {
  "use strict";

  const STATES = [
    ["", "All"],
    ["pending", "Waiting"],
    ["done", "Sent"],
    ["dead", "Dead letters"],
    ["ended", "Ended"],
  ];
  const SHOWN = 100;

  function row(one, replay) {
    const last = one.attempts[one.attempts.length - 1];
    return [
      o.h(
        "a",
        { href: o.route.format({ page: "event", parts: [one.message_id || one.id], params: { ns: one.namespace } }) },
        one.event || one.type,
      ),
      o.badge(
        one.state === "pending" ? "warn" : one.state === "dead" ? "bad" : "good",
        one.outcome === "sent" ? "Sent" : o.words.outcome(one.outcome).label,
      ),
      o.words.number(one.attempts.length),
      one.retry_at
        ? ["retry at ", o.time(one.retry_at)]
        : last && last.error
          ? last.error.message || String(last.error)
          : (one.details || [])[0] || "–",
      o.time(one.received_at),
      one.state === "dead"
        ? o.h(
            "button",
            {
              type: "button",
              class: "button",
              "aria-label": `Replay ${one.event || one.type} ${one.id}`,
              on: { click: () => replay(one) },
            },
            "Replay",
          )
        : "–",
    ];
  }

  async function deliveries(page) {
    page.title("Deliveries");
    const ns = o.shell.ns() === "*" ? undefined : o.shell.ns();
    const { forwarder } = await o.source.about(page.signal);
    if (!forwarder) return page.show(o.h("h1", {}, "Deliveries"), o.noForwarder());
    const state = page.route.params.state || "";
    const said = o.h("p", { role: "status", class: "form-line" });
    const get = (path, params) =>
      o.source.get(`forwarder/_forwarder/${path}`, { ns, ...params }, { signal: page.signal });
    const post = (path) =>
      o.source.send("POST", `forwarder/_forwarder/${path}`, { params: { ns }, body: {}, signal: page.signal });
    const body = o.h("div", { class: "form" });

    async function replay(one) {
      try {
        const { replayed } = await post(one ? `deliveries/${encodeURIComponent(one.id)}/replay` : "deliveries/replay");
        said.replaceChildren(o.badge("good", `${o.words.plural(replayed, "delivery", "deliveries")} sent again`));
      } catch (error) {
        if (!(error instanceof o.data.Problem)) throw error;
        said.replaceChildren(o.badge("bad", error.message));
      }
      await draw();
    }

    async function draw() {
      const [{ deliveries: all }, { refused }, { waiting }] = await Promise.all([
        get("deliveries", { ...(state ? { state } : {}), order: "newest", limit: SHOWN }),
        get("refused"),
        get("health"),
      ]);
      const dead = all.some((one) => one.state === "dead");
      o.refill(body, [
        o.h(
          "p",
          { class: "quiet" },
          `${o.words.plural(waiting, "delivery waits", "deliveries wait")} in all namespaces.`,
        ),
        dead &&
          o.h(
            "p",
            {},
            o.h(
              "button",
              { type: "button", class: "button", on: { click: () => replay(null) } },
              "Replay all dead letters",
            ),
          ),
        all.length
          ? o.table(
              "Deliveries",
              [
                { label: "Event" },
                { label: "State" },
                { label: "Attempts", class: "num" },
                { label: "What came last" },
                { label: "Received", class: "num" },
                { label: "Again" },
              ],
              all.map((one) => row(one, replay)),
              { class: "labelled" },
            )
          : o.empty(
              state ? "No such delivery" : "No delivery yet",
              "Send an event from Try, or point a Segment library at the forwarder:",
              forwarder,
            ),
        all.length === SHOWN && o.h("p", { class: "quiet" }, `The newest ${SHOWN}.`),
        o.h("h2", {}, "What the Tracking API did not take"),
        refused.length
          ? o.table(
              "Refused by the Tracking API",
              [
                { label: "Call" },
                { label: "Reason" },
                { label: "Answered", class: "num" },
                { label: "At", class: "num" },
              ],
              refused
                .reverse()
                .map((one) => [o.h("code", {}, one.path), one.reason, String(one.status), o.time(one.at)]),
              { class: "labelled" },
            )
          : o.h("p", { class: "quiet" }, "Nothing was refused."),
      ]);
    }

    page.show(
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, "Deliveries"),
        o.meta(`namespace ${ns || "default"}`, o.h("a", { href: o.href("destination") }, "Destination")),
      ),
      o.h(
        "nav",
        { class: "tabs", "aria-label": "States" },
        o.h(
          "ul",
          {},
          STATES.map(([name, label]) =>
            o.h(
              "li",
              {},
              o.h(
                "a",
                { href: o.href("deliveries", [], { state: name }), "aria-current": name === state ? "page" : null },
                label,
              ),
            ),
          ),
        ),
      ),
      said,
      body,
    );
    await draw();
    const { last } = await o.source.get(
      "verdicts",
      { ns: ns || "default", order: "newest", limit: 1 },
      { signal: page.signal },
    );
    page.live("verdicts", { ns: ns || "default" }, last, draw);
  }

  o.views.deliveries = deliveries;
})((globalThis.optilocal = globalThis.optilocal || {}));
