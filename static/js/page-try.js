/* Try: compose an event, look what would become of it, send it, and see its journey. */
(function (o) {
  "use strict";

  const FIRST = {
    type: "track",
    event: "Order Completed",
    userId: "user-1",
    properties: { revenue: 4999, value: 49.99 },
  };

  const id = () => `try-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;

  /** What the page offers to choose from: event names of the datafile and of what was seen, experiments that do not run. */
  async function choices(ns, signal) {
    const ask = (path, params) => o.source.get(path, { ns, ...params }, { signal });
    const [{ datafiles }, { verdicts }, { mappings }] = await Promise.all([
      ask("datafiles"),
      ask("verdicts", { order: "newest", limit: 100 }),
      ask("forwarder/_forwarder/mappings"),
    ]);
    const files = datafiles.map((one) => one.datafile).filter(Boolean);
    const keys = files.flatMap((one) => (one.events || []).map((event) => event.key));
    const seen = verdicts.map((one) => one.event).filter((name) => typeof name === "string" && name);
    const experiments = files.flatMap((one) => [
      ...(one.experiments || []),
      ...(one.groups || []).flatMap((group) => group.experiments || []),
    ]);
    return {
      names: [...new Set([...keys, ...seen])],
      experiments: experiments.filter((one) => one.status !== "Running").map((one) => one.key),
      mappings,
    };
  }

  /** The event to begin with: that of the address, one that was recorded, or one that the datafile knows. */
  async function first(page, ns, names) {
    const { event, from, n } = page.route.params;
    if (event) {
      try {
        const read = JSON.parse(event);
        if (typeof read === "object" && read !== null && !Array.isArray(read)) return read;
      } catch {
        /* an address that was cut: begin anew */
      }
    }
    if (from) {
      const { verdicts } = await o.eventData.find(from, ns || "default", page.signal);
      const found = verdicts.find((one) => String(one.number) === n) || verdicts[0];
      if (found && found.delivery && found.delivery.source_event)
        return o.eventTexts.again(found.delivery.source_event);
    }
    return names.length && !names.includes(FIRST.event) ? { ...FIRST, event: names[0] } : FIRST;
  }

  async function tryPage(page) {
    page.title("Try an event");
    const ns = o.shell.ns() === "*" ? undefined : o.shell.ns();
    const { forwarder } = await o.source.about(page.signal);
    if (!forwarder) return page.show(o.h("h1", {}, "Try an event"), o.noForwarder());
    const base = forwarder.replace(/\/$/, "") + (ns && ns !== "default" ? `/ns/${encodeURIComponent(ns)}` : "");
    const known = await choices(ns, page.signal);
    const event = await first(page, ns, known.names);
    const result = o.h("section", { class: "preview", "aria-label": "Preview" });
    const ask = async (body) =>
      (await o.source.send("POST", "preview", { params: { ns }, body, signal: page.signal })).verdicts;
    const asIf = o.whatIf.whatIf(known, ask);
    const look = o.h("button", { type: "button", class: "button primary" }, "Look");
    const send = o.h("button", { type: "button", class: "button primary" }, "Send");
    const said = o.h("p", { class: "quiet", role: "status" });
    const form = o.eventForm.eventForm(event, known.names, (now) => {
      look.disabled = send.disabled = now === null;
      said.textContent = now && shown ? "The event has changed since: look again." : "";
    });
    let shown = false;

    const trouble = (error) => {
      if (error.name === "AbortError") return;
      if (!(error instanceof o.data.Problem)) throw error;
      result.replaceChildren(o.h("p", { class: "callout tone-bad" }, o.icon("bad"), o.h("span", {}, error.message)));
    };

    async function preview() {
      const now = form.event();
      page.patch({ event: JSON.stringify(now), from: null, n: null });
      const [verdict] = await ask({ events: [now] });
      const around = { ...(await o.eventData.surroundings(verdict, page.signal)), row: null };
      const stages = o.journey.stages(verdict);
      o.refill(result, [
        o.h("h2", {}, "What would become of it"),
        o.h("div", { class: "journey-top" }, o.eventPanels.banner(verdict), o.eventPath.strip(stages)),
        o.eventPath.path(verdict, stages, around),
      ]);
      shown = true;
      said.textContent = "";
      o.say(`Would be: ${o.words.outcome(verdict.outcome).label}`);
      await asIf.show(now, verdict);
    }

    async function deliver() {
      const now = form.event();
      const messageId = typeof now.messageId === "string" && now.messageId ? now.messageId : id();
      const type = ["track", "identify", "page", "screen", "group", "alias"].includes(now.type) ? now.type : "track";
      await o.source.send("POST", `forwarder/v1/${type}`, {
        params: { ns },
        body: { writeKey: "optilocal", ...now, messageId },
        signal: page.signal,
      });
      said.textContent = "Sent. Waiting for its verdict …";
      const { verdicts } = await o.source.get(
        "verdicts",
        { ns, message_id: messageId, wait: 20, count: 1 },
        { signal: page.signal },
      );
      if (verdicts.length) {
        location.hash = o.route.format({ page: "event", parts: [messageId], params: { ns: ns || "default" } });
        return;
      }
      said.textContent = "";
      const { refused } = await o.source.get("forwarder/_forwarder/refused", { ns }, { signal: page.signal });
      const last = refused[refused.length - 1];
      result.replaceChildren(
        o.empty(
          "No verdict came",
          last
            ? `The Tracking API refused last: ${last.reason}.`
            : "The delivery may still wait for a retry; see Deliveries.",
        ),
      );
    }

    look.addEventListener("click", () => preview().catch(trouble));
    send.addEventListener("click", () => deliver().catch(trouble));
    const copies = [
      ["Copy as curl", o.eventTexts.curl],
      ["Copy as Python", o.eventTexts.python],
      ["Copy as Node", o.eventTexts.node],
      ["Copy as a scenario step", o.eventTexts.step],
    ];
    page.show(
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, "Try an event"),
        o.meta(`namespace ${ns || "default"}`, ["forwarder ", o.h("code", {}, base)]),
      ),
      o.h(
        "p",
        { class: "quiet" },
        "Look shows what would become of the event, stage by stage, and sends nothing. Send sends it and opens its journey.",
      ),
      o.h(
        "div",
        { class: "try" },
        o.h(
          "section",
          { "aria-label": "Event", class: "try-event" },
          form.node,
          o.h("div", { class: "actions" }, look, send, said),
          o.h(
            "div",
            { class: "actions" },
            copies.map(([label, text]) => o.copy(label, () => text(form.event(), base))),
          ),
        ),
        o.h("div", { class: "try-result" }, result, asIf.node),
      ),
    );
    await preview().catch(trouble);
  }

  o.views.try = tryPage;
})((globalThis.optilocal = globalThis.optilocal || {}));
