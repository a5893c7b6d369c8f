// An application that uses Optimizely's JavaScript SDK: takes one visit a line on stdin, answers one line on stdout.
import { createInterface } from "node:readline";
import {
  createBatchEventProcessor,
  createInstance,
  createPollingProjectConfigManager,
} from "@optimizely/optimizely-sdk";

async function visit({ base, sdkKey, steps }) {
  const posts = [];
  const eventDispatcher = {
    async dispatchEvent({ url, params }) {
      const answer = await fetch(`${base}/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(params),
      });
      posts.push({ url, status: answer.status });
      return { statusCode: answer.status };
    },
  };
  const client = createInstance({
    projectConfigManager: createPollingProjectConfigManager({
      sdkKey,
      urlTemplate: `${base}/datafiles/%s.json`,
    }),
    eventProcessor: createBatchEventProcessor({ eventDispatcher, batchSize: 100 }),
  });
  const ready = await client.onReady({ timeout: steps.length ? 10_000 : 1_000 }).then(
    () => true,
    () => false,
  );
  const users = new Map();
  const seen = ready ? steps.map((step) => take(client, users, step)) : [];
  // The SDK puts what was just decided and tracked into its batch after this turn; closing sends the batch.
  await new Promise((resolve) => setImmediate(resolve));
  await client.close();
  return { ready, seen, posts };
}

function take(client, users, { user, attributes, force, decide, track, tags }) {
  if (!users.has(user)) users.set(user, client.createUserContext(user, attributes ?? {}));
  const context = users.get(user);
  if (track) {
    context.trackEvent(track, tags ?? {});
    return null;
  }
  if (force) {
    context.setForcedDecision({ flagKey: decide, ruleKey: force.rule }, { variationKey: force.variation });
  }
  const { variationKey, ruleKey, enabled } = context.decide(decide);
  return { variation: variationKey, rule: ruleKey, enabled };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await visit(JSON.parse(line))));
}
