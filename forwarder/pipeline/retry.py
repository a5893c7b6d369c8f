"""What Segment's platform retries, how often and when."""

from dataclasses import dataclass
from random import Random

RETRIED_4XX = frozenset({408, 423, 429})
FINAL_5XX = frozenset({501})


@dataclass(frozen=True)
class RetryPolicy:
    """At most `attempts` attempts, the last at most `limit_s` seconds after the event was received.

    Segment documents "over four hours, exponential, randomised" and, for a similar kind of destination, six attempts
    (https://segment.com/docs/connections/destinations/); the waits are not public. Here the n-th wait is
    `base_s * factor ** (n - 1)` seconds, plus or minus at most `jitter` of itself: about 1 s, 8 s, 1 min, 9 min, 68 min.
    """

    attempts: int = 6
    limit_s: float = 4 * 3600.0
    base_s: float = 1.0
    factor: float = 8.0
    jitter: float = 0.25

    def retry_at(self, *, attempt: int, now_ms: int, received_at: int, random: Random) -> int | None:
        """When to retry after attempt number `attempt` (1, 2, …) failed at `now_ms`; None when it was the last.

        Times in epoch milliseconds. Each call draws one number from `random`, so a seed decides all waits.
        """
        spread = 1 + self.jitter * (2 * random.random() - 1)
        wait_s = self.base_s * self.factor ** (attempt - 1) * spread
        due = now_ms + round(wait_s * 1000)
        if attempt >= self.attempts or due > received_at + round(self.limit_s * 1000):
            return None
        return due


def is_retried_status(status: int) -> bool:
    """Whether Segment retries an HTTP answer or an error with this status: every 5xx but 501, and 408, 423 and 429.

    Public sources differ on 410, 423, 460 and 505; this follows the comments in @segment/actions-core errors.ts.
    """
    if status >= 500:
        return status not in FINAL_5XX
    return status in RETRIED_4XX
