// Segment's Node library with only its host changed: sends the calls of its second argument, a JSON list of [type, call].
import { Analytics } from "@segment/analytics-node";

const [host, calls] = process.argv.slice(2);
const { origin, pathname } = new URL(host);
const analytics = new Analytics({ writeKey: "any-key", host: origin, path: `${pathname}/v1/batch`, maxRetries: 3 });
analytics.on("error", (error) => console.error(String(error.reason ?? error.code)));
for (const [type, call] of JSON.parse(calls)) analytics[type](call);
await analytics.closeAndFlush();
