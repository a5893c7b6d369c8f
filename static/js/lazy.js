/* Pages that not every reader opens: their scripts are fetched when one is opened, and only where there is a server. */
(function (o) {
  "use strict";

  const PAGES = {
    home: ["event-texts", "page-home"],
    history: ["page-history"],
    compare: ["page-history"],
    visitor: ["page-visitor"],
    search: ["page-search"],
    try: ["event-texts", "event-form", "what-if", "page-try"],
    destination: [
      "tabs",
      "destination-settings",
      "destination-before",
      "destination-filters",
      "destination-mapping",
      "destination-trial",
      "page-destination",
    ],
    deliveries: ["page-deliveries"],
    exchanges: ["tabs", "page-exchange"],
    experiments: ["chart", "funnel", "experiment-cards", "page-experiments"],
    datafiles: ["datafile-contents", "page-datafiles"],
    forced: ["page-forced"],
    faults: ["fault-form", "page-faults"],
    erasure: ["page-erasure"],
  };
  const loading = new Map();

  function script(name) {
    if (!loading.has(name)) {
      const done = new Promise((resolve, reject) => {
        const node = o.h("script", { src: `static/js/${name}.js`, on: { load: resolve } });
        node.addEventListener("error", () => {
          loading.delete(name);
          reject(new o.data.Problem(0, "unreachable", "The emulator does not answer."));
        });
        document.head.append(node);
      });
      loading.set(name, done);
    }
    return loading.get(name);
  }

  /** Fetches scripts one after the other, each once. */
  async function load(names) {
    for (const name of names) await script(name);
  }

  o.views = o.views || {};
  for (const [name, scripts] of Object.entries(PAGES)) {
    const waiting = async (page) => {
      if (o.source.kind !== "live")
        throw new o.data.Problem(
          404,
          "not_in_report",
          "A report holds one run and its verdicts; start the sandbox to see the rest.",
        );
      await load(scripts);
      return o.views[name](page);
    };
    o.views[name] = waiting;
  }
  /** What a page says that needs the forwarder where the emulator knows of none. */
  o.noForwarder = () =>
    o.empty(
      "No forwarder is known here",
      "This emulator was started alone. Start both, or name the forwarder with --forwarder URL:",
      "optilocal up",
    );
  o.lazy = { load };
})((globalThis.optilocal = globalThis.optilocal || {}));
