/* One Segment event as others write it: curl, Python, Node, a scenario's step; and what of a recorded event is sent again. */
(function (o) {
  "use strict";

  const KEY = "optilocal";
  const OF_SEGMENT = [
    "messageId",
    "timestamp",
    "receivedAt",
    "sentAt",
    "originalTimestamp",
    "version",
    "channel",
    "projectId",
    "writeKey",
  ];
  const ARGUMENTS = { userId: "user_id", anonymousId: "anonymous_id", groupId: "group_id", previousId: "previous_id" };
  const TAKES = {
    track: ["userId", "anonymousId", "event", "properties"],
    identify: ["userId", "anonymousId", "traits"],
    page: ["userId", "anonymousId", "name", "category", "properties"],
    screen: ["userId", "anonymousId", "name", "category", "properties"],
    group: ["userId", "anonymousId", "groupId", "traits"],
    alias: ["previousId", "userId"],
  };

  const shell = (text) => "'" + String(text).replace(/'/g, "'\\''") + "'";

  /** A value as a Python literal. */
  function python(value) {
    if (value === null || value === undefined) return "None";
    if (value === true) return "True";
    if (value === false) return "False";
    if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
    if (typeof value === "object")
      return `{${Object.entries(value)
        .map(([name, one]) => `${JSON.stringify(name)}: ${python(one)}`)
        .join(", ")}}`;
    return JSON.stringify(value);
  }

  /** What Segment adds on the way is left out, so that the event can be sent once more as a new one. */
  function again(event) {
    const kept = Object.entries(event || {}).filter(
      ([name, value]) =>
        !OF_SEGMENT.includes(name) && !(["context", "integrations"].includes(name) && !Object.keys(value || {}).length),
    );
    return Object.fromEntries(kept);
  }

  const rest = (event, taken) => Object.entries(event).filter(([name]) => name !== "type" && !taken.includes(name));

  const curl = (event, base) =>
    `curl ${shell(`${base}/v1/${event.type || "track"}`)} -H 'Content-Type: application/json' \\\n  --data-binary ${shell(
      JSON.stringify({ writeKey: KEY, ...event, type: undefined }),
    )}`;

  function pythonCode(event, base) {
    const taken = TAKES[event.type] || TAKES.track;
    const given = taken
      .filter((name) => event[name] !== undefined)
      .map((name) => `${ARGUMENTS[name] || name}=${python(event[name])}`);
    const more = rest(event, taken).map(([name, value]) => `${ARGUMENTS[name] || name}=${python(value)}`);
    return [
      "import segment.analytics as analytics",
      "",
      `analytics.write_key = ${python(KEY)}`,
      `analytics.host = ${python(base)}`,
      `analytics.${event.type || "track"}(${[...given, ...more].join(", ")})`,
      "analytics.flush()",
    ].join("\n");
  }

  function node(event, base) {
    const at = new URL(base);
    const path = at.pathname === "/" ? "" : `, path: ${JSON.stringify(at.pathname + "/v1/batch")}`;
    const { type, ...given } = event;
    return [
      'import { Analytics } from "@segment/analytics-node";',
      "",
      `const analytics = new Analytics({ writeKey: ${JSON.stringify(KEY)}, host: ${JSON.stringify(at.origin)}${path} });`,
      `analytics.${type || "track"}(${JSON.stringify(given)});`,
      "await analytics.closeAndFlush();",
    ].join("\n");
  }

  /** A step of a scenario; JSON is YAML too. */
  function step(event) {
    const { type, ...given } = event;
    return `- ${type || "track"}: ${JSON.stringify(given)}`;
  }

  o.eventTexts = { again, curl, python: pythonCode, node, step };
})((globalThis.optilocal = globalThis.optilocal || {}));
