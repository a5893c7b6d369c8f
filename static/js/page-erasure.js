/* Requests for erasure (subject access requests): whom they name, how far they are, and what each erased. */
(function (o) {
  "use strict";

  const STATES = { pending: "idle", processing: "idle", completed: "good", failure: "bad" };

  function erased(one) {
    const what = one.erased;
    if (!what) return "–";
    const counts = [
      ["event", what.events],
      ["exchange", what.exchanges],
      ["delivery", what.deliveries, "deliveries"],
    ].filter(([, count]) => count);
    if (!counts.length) return "nothing: nobody known by this name";
    return [
      counts.map(([word, count, many]) => o.words.plural(count, word, many)).join(", "),
      (what.visitors || []).length > 0 && [
        " of ",
        what.visitors.map((id, i) => [i ? ", " : "", o.h("code", { class: "erased", title: "Erased visitor" }, id)]),
      ],
    ];
  }

  function process(one) {
    const done = one.status === "completed" || one.status === "failure";
    const { id } = one;
    return done
      ? "–"
      : o.h(
          "button",
          {
            type: "button",
            class: "button",
            "aria-label": `Process the next step of request ${id}`,
            on: {
              click: async () => {
                const moved = await o.source.send("POST", `subject-access-requests/${encodeURIComponent(id)}/process`, {
                  params: { ns: one.namespace },
                  body: {},
                });
                o.say(`Request ${id} is ${moved && moved.status ? moved.status : "moved on"}`);
                o.reload();
              },
            },
          },
          "Process the next step",
        );
  }

  async function erasure(page) {
    const { forwarder } = await o.source.about(page.signal);
    page.title("Erasure");
    const answer = await o.source.get("subject-access-requests", { ns: o.shell.ns() }, { signal: page.signal });
    const at = (one) => Date.parse(one.requested_at_time);
    const all = answer.subject_access_requests.sort((a, b) => at(b) - at(a));
    page.show(
      o.heading("Requests for erasure", "subject-access-requests"),
      o.h(
        "p",
        { class: "lead" },
        "Segment's destination names the ",
        o.h("em", {}, "account"),
        " and not the user in its deletion requests; what each request really named, and what it erased, stands here.",
      ),
      all.length
        ? o.table(
            "Subject access requests",
            [
              { label: "Request" },
              { label: "Type" },
              { label: "Names" },
              { label: "State" },
              { label: "Erased" },
              { label: "Namespace", class: "wide-only" },
              { label: "At", class: "num" },
              { label: "Next" },
            ],
            all.map((one) => [
              o.h("code", {}, String(one.id)),
              one.request_type || "–",
              [
                o.h("code", {}, String(one.identifier)),
                " ",
                o.h("span", { class: "quiet" }, one.identifier_type || ""),
              ],
              o.badge(STATES[one.status] || "idle", o.words.sentence(one.status || "unknown")),
              erased(one),
              one.namespace,
              o.time(at(one)),
              process(one),
            ]),
            { class: "labelled" },
          )
        : o.empty(
            "No request yet",
            "Ask the forwarder to delete a user:",
            `curl -X POST ${(forwarder || "http://127.0.0.1:8411").replace(/\/$/, "")}/regulations -H 'Content-Type: application/json' -d '{"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["u-1"]}'`,
          ),
    );
  }

  o.views = o.views || {};
  o.views.erasure = erasure;
})((globalThis.optilocal = globalThis.optilocal || {}));
