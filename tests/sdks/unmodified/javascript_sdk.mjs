// An application with Optimizely's JavaScript SDK as its documentation shows it: no address is named anywhere.
import {
  createBatchEventProcessor,
  createInstance,
  createPollingProjectConfigManager,
} from "@optimizely/optimizely-sdk";

const client = createInstance({
  projectConfigManager: createPollingProjectConfigManager({ sdkKey: "SHOPkA7pQ2mXv9Rt" }),
  eventProcessor: createBatchEventProcessor(),
});
await client.onReady();
const grace = client.createUserContext("grace", { plan: "gold" });
console.log(process.version, grace.decide("checkout").variationKey);
grace.trackEvent("Product Added", { value: 19.5 });
await new Promise((resolve) => setImmediate(resolve));
await client.close();
