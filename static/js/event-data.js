/* What the emulator knows of one event: its verdicts, its row, its visitor's decisions, names for their ids. */
(function (o) {
  "use strict";

  /** The verdicts under this id: a source event's messageId, or the uuid of a conversion that an SDK sent. */
  async function find(id, ns, signal) {
    const asked = { ns, order: "newest", limit: 20 };
    const byMessage = await o.source.get("verdicts", { ...asked, message_id: id }, { signal });
    if (byMessage.verdicts.length || o.source.kind === "report") return byMessage;
    return o.source.get("verdicts", { ...asked, uuid: id }, { signal });
  }

  /** What else the journal knows of it: the conversion's row and the visitor's decisions; null where nothing can be asked. */
  async function surroundings(verdict, signal) {
    if (o.source.kind !== "live" || verdict.kind === "deletion" || !verdict.visitor_id)
      return { decisions: null, row: null, names: new Map() };
    const ask = (params) =>
      o.source.get("events", { ns: verdict.namespace, visitor_id: verdict.visitor_id, ...params }, { signal });
    const decisions = (await ask({ kind: "decision", limit: 50 })).events;
    // Names are for the decisions' ids; counting everybody only to name nothing would keep the page waiting.
    const names = decisions.length ? await namesOf(verdict.namespace, signal) : new Map();
    if (typeof verdict.event_number !== "number") return { decisions, row: null, names };
    const near = (
      await o.source.get("events", { ns: verdict.namespace, after: verdict.event_number - 1, limit: 1 }, { signal })
    ).events;
    return { decisions, row: near.find((one) => one.number === verdict.event_number) || null, names };
  }

  /** Ids of experiments and variations → their keys, as the namespace's newest datafile has them. */
  async function namesOf(ns, signal) {
    const { experiments } = await o.source.get("results", { ns }, { signal });
    const names = new Map();
    for (const [key, one] of Object.entries(experiments)) {
      names.set(one.id, key);
      for (const [variation, each] of Object.entries(one.variations)) names.set(each.id, variation);
    }
    return names;
  }

  /** Where the namespace's exchanges end now: what comes after may change the verdict. */
  async function newest(ns, signal) {
    if (o.source.kind !== "live") return null;
    return (await o.source.get("exchanges", { ns, after: Number.MAX_SAFE_INTEGER, limit: 1 }, { signal })).last;
  }

  o.eventData = { find, surroundings, namesOf, newest };
})((globalThis.optilocal = globalThis.optilocal || {}));
