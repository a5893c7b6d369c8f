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

  /** All experiments of a datafile, those in groups, rollouts and holdouts too: [{experiment, kind}]. */
  function all(datafile) {
    const many = (list, kind) => (Array.isArray(list) ? list : []).map((experiment) => ({ experiment, kind }));
    return [
      ...many(datafile.experiments, "Experiment"),
      ...(datafile.groups || []).flatMap((group) => many(group.experiments, `In group ${group.id}`)),
      ...(datafile.rollouts || []).flatMap((rollout) => many(rollout.experiments, "Delivery")),
      ...many(datafile.holdouts, "Holdout"),
      ...many(datafile.localHoldouts, "Local holdout"),
    ];
  }

  /** The keys of an experiment's variations; to a feature rollout the SDKs add what everyone else gets. */
  function variations(datafile, experiment) {
    const own = (experiment.variations || []).map((one) => one.key);
    if (experiment.type !== "fr") return own.join(", ") || "–";
    const ids = new Set((experiment.variations || []).map((one) => String(one.id)));
    const flags = (datafile.featureFlags || []).filter((flag) =>
      (flag.experimentIds || []).some((id) => String(id) === String(experiment.id)),
    );
    const added = flags
      .map((flag) => (datafile.rollouts || []).find((rollout) => String(rollout.id) === String(flag.rolloutId)))
      .map((rollout) => ((rollout && rollout.experiments) || []).at(-1))
      .map((last) => ((last && last.variations) || [])[0])
      .filter((one) => one && !ids.has(String(one.id)));
    const keys = [...new Set(added.map((one) => `${one.key} (everyone else)`))];
    return [...own, ...keys].join(", ") || "–";
  }

  function contents(datafile) {
    const experiments = all(datafile);
    const names = new Map(experiments.map(({ experiment }) => [String(experiment.id), experiment.key]));
    const running = new Set(
      experiments
        .filter(({ experiment }) => experiment.status === "Running")
        .map(({ experiment }) => String(experiment.id)),
    );
    const tracked = (event) => {
      const ids = event.experimentIds || [];
      if (!ids.length) return o.badge("bad", "Metric of no experiment");
      return ids.some((id) => running.has(String(id)))
        ? o.badge("good", "Tracked")
        : o.badge("idle", "No experiment running");
    };
    return [
      o.h("h2", {}, `Events (${(datafile.events || []).length})`),
      o.table(
        "Events of the datafile",
        [{ label: "Key" }, { label: "Id" }, { label: "State" }, { label: "Metric of" }],
        (datafile.events || []).map((event) => [
          o.h("code", {}, event.key),
          o.h("code", { class: "quiet" }, event.id),
          tracked(event),
          (event.experimentIds || []).map((id) => names.get(String(id)) || id).join(", ") || "–",
        ]),
      ),
      o.h("h2", {}, `Experiments (${experiments.length})`),
      o.table(
        "Experiments of the datafile",
        [{ label: "Key" }, { label: "Id" }, { label: "Status" }, { label: "Kind" }, { label: "Variations" }],
        experiments.map(({ experiment, kind }) => [
          experiment.key || "–",
          o.h("code", { class: "quiet" }, experiment.id),
          o.badge(experiment.status === "Running" ? "good" : "idle", experiment.status || "No status"),
          experiment.type === "fr" ? "Feature rollout" : kind,
          variations(datafile, experiment),
        ]),
      ),
      o.h("h2", {}, `Attributes (${(datafile.attributes || []).length})`),
      o.h(
        "p",
        {},
        (datafile.attributes || []).map((one, i) => [i ? ", " : "", o.h("code", {}, one.key)]),
      ),
    ];
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
    const fetched = (
      await o.source.get("exchanges", { ns, surface: "datafile", order: "newest", limit: 10 }, { signal: page.signal })
    ).exchanges;
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
                [{ label: "Request" }, { label: "Answer" }, { label: "At" }],
                fetched.map((each) => [
                  o.h(
                    "a",
                    { href: o.route.format({ page: "exchanges", parts: [each.namespace, each.number] }) },
                    `number ${each.number}`,
                  ),
                  String(each.status),
                  o.time(each.at),
                ]),
              )
            : o.h("p", { class: "quiet" }, "Nobody has asked for it yet."),
        ),
      ),
      readable
        ? contents(datafile)
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
