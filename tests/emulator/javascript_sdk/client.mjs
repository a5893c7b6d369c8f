// Optimizely's own JavaScript SDK: decides and tracks for the users named, then prints what it saw as one JSON line.
// Arguments: base URL of a namespace, SDK key, datafile access token or "", batch size, users...
// With FLAG and EVENT in the environment it decides that flag and tracks that event, else checkout_test and an order.
import {
  createBatchEventProcessor,
  createInstance,
  createPollingProjectConfigManager,
} from "@optimizely/optimizely-sdk";

const [base, sdkKey, token, batchSize, ...users] = process.argv.slice(2);
const { FLAG, EVENT = "Order Completed" } = process.env;
const statuses = [];
let outstanding = 2 * users.length;
let allAccepted;
const accepted = new Promise((resolve) => (allAccepted = resolve));
if (!outstanding) allAccepted();
const eventDispatcher = {
  async dispatchEvent({ params }) {
    const answer = await fetch(`${base}/v1/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(params),
    });
    statuses.push(answer.status);
    if (answer.status === 204) outstanding -= params.visitors.length;
    if (outstanding === 0) allAccepted();
    return { statusCode: answer.status };
  },
};
const client = createInstance({
  projectConfigManager: createPollingProjectConfigManager({
    sdkKey,
    urlTemplate: token ? `${base}/datafiles/auth/%s.json` : `${base}/datafiles/%s.json`,
    ...(token ? { datafileAccessToken: token } : {}),
  }),
  eventProcessor: createBatchEventProcessor({ eventDispatcher, batchSize: Number(batchSize) }),
});
await client.onReady({ timeout: 10_000 });
const decided = {};
for (const user of users) {
  if (FLAG) {
    decided[user] = client.createUserContext(user).decide(FLAG).variationKey;
  } else {
    client.setForcedVariation("checkout_test", user, "treatment");
    decided[user] = client.activate("checkout_test", user);
  }
  client.track(EVENT, user, {}, { revenue: 4999, value: 49.99 });
}
// Closing at once would give up what is still on its way.
await accepted;
await client.close();
console.log(JSON.stringify({ revision: client.getOptimizelyConfig()?.revision ?? null, decided, statuses }));
