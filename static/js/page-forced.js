/* Forced variations: which user, or everybody, is shown which variation, whatever the SDK would choose. */
(function (o) {
  "use strict";

  const plain = ({ experiment, variation, user }) => ({ experiment, variation, user });

  /** The experiments of a namespace's datafiles with their variations: {key: [variation key]}. */
  async function choices(ns, signal) {
    const { datafiles } = await o.source.get("datafiles", { ns }, { signal });
    const files = datafiles.map((one) => one.datafile).filter(Boolean);
    const all = files.flatMap((one) => [
      ...(one.experiments || []),
      ...(one.groups || []).flatMap((group) => group.experiments || []),
    ]);
    return new Map(all.map((one) => [one.key, (one.variations || []).map((variation) => variation.key)]));
  }

  async function forced(page) {
    page.title("Forced variations");
    const ns = o.shell.ns() === "*" ? "default" : o.shell.ns();
    const known = await choices(ns, page.signal);
    const slot = o.h("div", { class: "form" });
    const said = o.h("p", { role: "status", class: "form-line" });

    const experiment = o.choice("forced-experiment", [...known.keys()]);
    const variation = o.choice("forced-variation", []);
    const user = o.h("input", {
      type: "text",
      id: "forced-user",
      placeholder: "everybody",
      spellcheck: "false",
      autocomplete: "off",
    });
    const offer = () =>
      variation.replaceChildren(
        ...(known.get(experiment.value) || []).map((one) => o.h("option", { value: one }, one)),
      );
    experiment.addEventListener("change", offer);
    offer();

    async function store(rules) {
      try {
        const { warnings } = await o.source.send("PUT", "forced", {
          params: { ns },
          body: rules.map(plain),
          signal: page.signal,
        });
        said.replaceChildren(
          warnings && warnings.length
            ? o.badge("warn", warnings.join(" "))
            : o.badge("good", "SDKs see it when they fetch the datafile next"),
        );
      } catch (error) {
        if (!(error instanceof o.data.Problem)) throw error;
        said.replaceChildren(o.badge("bad", error.message));
      }
      await draw();
      await o.strip.look();
    }

    let rules = [];
    async function draw() {
      rules = (await o.source.get("forced", { ns }, { signal: page.signal })).forced;
      o.refill(slot, [
        rules.length
          ? o.table(
              "Forced variations",
              [{ label: "Experiment" }, { label: "Variation" }, { label: "Shown to" }, { label: "End" }],
              rules.map((one, i) => [
                one.experiment,
                one.variation,
                one.user === null ? "everybody" : o.h("code", {}, one.user),
                o.h(
                  "button",
                  {
                    type: "button",
                    class: "button",
                    "aria-label": `End ${one.experiment} for ${one.user === null ? "everybody" : one.user}`,
                    on: { click: () => store(rules.filter((_, j) => j !== i)) },
                  },
                  "End it",
                ),
              ]),
              { class: "labelled" },
            )
          : o.empty("No variation is forced", "SDKs decide as the datafile says."),
      ]);
    }

    const add = o.h("button", { type: "button", class: "button primary", disabled: !known.size }, "Force it");
    add.addEventListener("click", () =>
      store([...rules, { experiment: experiment.value, variation: variation.value, user: user.value || null }]),
    );
    page.show(
      o.h(
        "div",
        { class: "title-row" },
        o.h("h1", {}, "Forced variations"),
        o.meta(`namespace ${ns}`, o.h("a", { href: o.href("datafiles") }, "Datafiles"), o.jsonLink("forced", { ns })),
      ),
      o.h(
        "p",
        { class: "lead" },
        "The datafile that is served is rewritten, so every SDK shows the variation, and its decisions count. What is judged stays the datafile as it was set. SDKs poll every five minutes unless told otherwise.",
      ),
      o.h(
        "div",
        { class: "event-form" },
        o.field("Experiment", experiment),
        o.field("Variation", variation),
        o.field("User ID, or empty for everybody", user),
      ),
      o.h("div", { class: "actions" }, add, said),
      slot,
    );
    await draw();
  }

  o.views.forced = forced;
})((globalThis.optilocal = globalThis.optilocal || {}));
