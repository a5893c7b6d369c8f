/* What a datafile holds: events and which are tracked, experiments with traffic and audiences, flags, attributes. */
(function (o) {
  "use strict";

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

  /** How much of the traffic goes to each variation, and how much to none. */
  function traffic(experiment) {
    const keys = new Map((experiment.variations || []).map((one) => [String(one.id), one.key]));
    let from = 0;
    const parts = ((experiment.cmab || experiment).trafficAllocation || []).map((one) => {
      const share = (one.endOfRange - from) / 100;
      from = one.endOfRange;
      return [keys.get(String(one.entityId)) || (one.entityId ? String(one.entityId) : "nobody"), share];
    });
    if (!parts.length) return o.h("p", { class: "quiet" }, "no traffic");
    const rest = 100 - from / 100;
    const said = [...parts, ...(rest > 0 ? [["left out", rest]] : [])].map(
      ([name, share]) => `${name} ${Number(share.toFixed(2))} %`,
    );
    return o.h("p", { class: "quiet" }, said.join(", "));
  }

  /** The names of an experiment's audiences. */
  function audiences(datafile, experiment) {
    const names = new Map(
      [...(datafile.audiences || []), ...(datafile.typedAudiences || [])].map((one) => [String(one.id), one.name]),
    );
    const ids = experiment.audienceIds || [];
    return ids.length ? ids.map((id) => names.get(String(id)) || id).join(", ") : "everybody";
  }

  function flags(datafile, experiments) {
    const rules = new Map(experiments.map(({ experiment }) => [String(experiment.id), experiment.key]));
    const all = datafile.featureFlags || [];
    return [
      o.h("h2", {}, `Flags (${all.length})`),
      all.length > 0 &&
        o.table(
          "Flags of the datafile",
          [{ label: "Key" }, { label: "Experiments" }, { label: "Rollout" }, { label: "Variables" }],
          all.map((one) => [
            o.h("code", {}, one.key),
            (one.experimentIds || []).map((id) => rules.get(String(id)) || id).join(", ") || "–",
            one.rolloutId || "–",
            (one.variables || []).map((each) => each.key).join(", ") || "–",
          ]),
          { class: "labelled" },
        ),
    ];
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
        { class: "labelled" },
      ),
      o.h("h2", {}, `Experiments (${experiments.length})`),
      o.table(
        "Experiments of the datafile",
        [
          { label: "Key" },
          { label: "Id" },
          { label: "Status" },
          { label: "Kind" },
          { label: "Variations and traffic" },
          { label: "Audiences" },
        ],
        experiments.map(({ experiment, kind }) => [
          experiment.key || "–",
          o.h("code", { class: "quiet" }, experiment.id),
          o.badge(experiment.status === "Running" ? "good" : "idle", experiment.status || "No status"),
          experiment.type === "fr" ? "Feature rollout" : kind,
          [variations(datafile, experiment), traffic(experiment)],
          audiences(datafile, experiment),
        ]),
        { class: "labelled" },
      ),
      flags(datafile, experiments),
      o.h("h2", {}, `Attributes (${(datafile.attributes || []).length})`),
      o.h(
        "p",
        {},
        (datafile.attributes || []).map((one, i) => [i ? ", " : "", o.h("code", {}, one.key)]),
      ),
    ];
  }

  /** Who made a request: the SDK or program that its headers name. */
  o.agentOf = function agentOf(exchange) {
    const named = Object.entries(exchange.headers || {}).find(([name]) => name.toLowerCase() === "user-agent");
    return (named && named[1]) || `request ${exchange.number}`;
  };

  o.datafileContents = contents;
})((globalThis.optilocal = globalThis.optilocal || {}));
