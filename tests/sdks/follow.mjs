// Polls a datafile with Optimizely's JavaScript SDK, and prints each revision that it takes up, until stdin ends.
import {
  createInstance,
  createPollingProjectConfigManager,
  NOTIFICATION_TYPES,
} from "@optimizely/optimizely-sdk";

const [base, sdkKey] = process.argv.slice(2);
const client = createInstance({
  projectConfigManager: createPollingProjectConfigManager({
    sdkKey,
    urlTemplate: `${base}/datafiles/%s.json`,
    autoUpdate: true,
    updateInterval: 100,
  }),
});
client.notificationCenter.addNotificationListener(NOTIFICATION_TYPES.OPTIMIZELY_CONFIG_UPDATE, () =>
  console.log(client.getOptimizelyConfig().revision),
);
process.stdin.on("end", () => client.close()).resume();
