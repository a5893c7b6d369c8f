// An application with Segment's Node library as its documentation shows it.
import { Analytics } from "@segment/analytics-node";

const analytics = new Analytics({ writeKey: "any-key" });
analytics.track({
  userId: "grace",
  event: "Order Completed",
  messageId: "order-of-grace",
  properties: { revenue: 4999 },
});
await analytics.closeAndFlush();
