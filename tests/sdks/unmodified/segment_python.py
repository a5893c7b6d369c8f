"""An application with Segment's Python library as its documentation shows it."""

from segment import analytics

analytics.write_key = "any-key"
analytics.track(
    "ada",
    "Order Completed",
    {"revenue": 4999},
    context={"traits": {"plan": "gold"}},
    message_id="order-of-ada",
)
analytics.shutdown()
