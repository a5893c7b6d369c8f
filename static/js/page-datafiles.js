/* Datafiles: their revisions, experiments and events, and which of the events are tracked by an experiment. */
(function (o) {
  "use strict";

  function row(one) {
    return {
      attrs: { "data-open": true },
      cells: [
        o.rowLink(o.route.format({ page: "datafiles", parts: [one.namespace, one.sdkKey] }), one.sdkKey),
        one.revision === null || one.revision === undefined ? "–" : String(one.revision),
        o.words.number((one.revisions || []).length || 1),
        one.deactivated ? o.badge("bad", "Deactivated") : o.badge("good", "Served"),
        one.namespace,
        o.time(one.from),
      ],
    };
  }

  async function list(page) {
    page.title("Datafiles");
    const { datafiles } = await o.source.get("datafiles", { ns: o.shell.ns() }, { signal: page.signal });
    page.show(
      o.heading("Datafiles", "datafiles"),
      datafiles.length
        ? o.table(
            "Datafiles",
            [
              { label: "SDK key" },
              { label: "Revision", class: "num" },
              { label: "Revisions", class: "num" },
              { label: "State" },
              { label: "Namespace" },
              { label: "Since", class: "num" },
            ],
            datafiles.map(row),
            { class: "stack" },
          )
        : o.empty(
            "No datafile yet",
            "Give the emulator the datafile that your environment has:",
            `curl -X PUT ${o.source.base}_emulator/datafiles/SDK_KEY --data-binary @datafile.json`,
          ),
    );
    o.keys.settle(document.getElementById("main"));
  }

  async function detail(page) {
    const [ns, key] = page.route.parts;
    page.title(`Datafile ${key}`);
    const { datafiles } = await o.source.get("datafiles", { ns }, { signal: page.signal });
    const one = datafiles.find((each) => each.sdkKey === key);
    const back = o.shell.back("datafiles", "All datafiles");
    if (!one) {
      page.show(back, o.h("h1", {}, key), o.empty("No such datafile", `Namespace ${ns} has none under this key.`));
      return;
    }
    const datafile =
      one.datafile ||
      (await o.source.get(`datafiles/${encodeURIComponent(key)}`, { ns }, { signal: page.signal }).catch(() => null));
    const readable = datafile && typeof datafile === "object" && Array.isArray(datafile.events);
    const asked = (
      await o.source.get("exchanges", { ns, surface: "datafile", order: "newest", limit: 100 }, { signal: page.signal })
    ).exchanges;
    // Requests for other keys are no fetches of this one; by project and environment it may be meant too.
    const fetched = asked
      .filter((each) => each.path.includes(`/${key}.json`) || !each.path.startsWith("/datafiles/"))
      .slice(0, 10);
    page.show(
      back,
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, key),
        o.meta(
          one.deactivated ? o.badge("bad", "Deactivated") : o.badge("good", "Served"),
          `revision ${one.revision}`,
          `namespace ${ns}`,
          one.url && o.h("code", {}, one.url),
          o.h("a", { href: o.route.format({ page: "forced", params: { ns } }) }, "Force a variation"),
        ),
      ),
      o.h(
        "div",
        { class: "columns" },
        o.h(
          "section",
          { "aria-labelledby": "revisions-title" },
          o.h("h2", { id: "revisions-title" }, "Revisions"),
          o.table(
            "All revisions",
            [{ label: "Revision" }, { label: "Held from" }],
            (one.revisions || [])
              .slice()
              .reverse()
              .map((each) => [String(each.revision), o.time(each.from)]),
          ),
        ),
        o.h(
          "section",
          { "aria-labelledby": "fetched-title" },
          o.h("h2", { id: "fetched-title" }, "Last fetched"),
          fetched.length
            ? o.table(
                "Newest requests for a datafile",
                [{ label: "Who" }, { label: "Answer" }, { label: "At" }],
                fetched.map((each) => [
                  o.h(
                    "a",
                    { href: o.route.format({ page: "exchanges", parts: [each.namespace, each.number] }) },
                    o.agentOf(each),
                  ),
                  String(each.status),
                  o.time(each.at),
                ]),
              )
            : o.h("p", { class: "quiet" }, "Nobody has asked for it yet."),
        ),
      ),
      readable
        ? o.datafileContents(datafile)
        : o.h(
            "p",
            { class: "callout tone-warn" },
            o.icon("warn"),
            o.h("span", {}, "What is served under this key is no datafile."),
          ),
      readable && o.keep("datafile", "The datafile", () => o.json(datafile, "Datafile")),
    );
  }

  o.views = o.views || {};
  o.views.datafiles = (page) => (page.route.parts.length ? detail(page) : list(page));
})((globalThis.optilocal = globalThis.optilocal || {}));
