"""What Segment's platform tries again, how often and how long after."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

RETRIED_4XX = frozenset({408, 423, 429})
FINAL_5XX = frozenset({501})


@dataclass(frozen=True)
class RetryPolicy:
    """At most `attempts` in all, none later than `limit_s` seconds after the event came in.

    Segment documents "over four hours, exponential, randomised" and, for a like kind of destination, six
    tries (segment.com/docs/connections/destinations); the steps between are not public.
    Here the n-th wait is `base_s * factor ** (n - 1)` seconds, made longer or shorter by up to
    `jitter` of itself: about 1 s, 8 s, 1 min, 9 min, 68 min.
    """

    attempts: int = 6
    limit_s: float = 4 * 3600.0
    base_s: float = 1.0
    factor: float = 8.0
    jitter: float = 0.25

    def retry_at(self, *, attempt: int, now_ms: int, received_at: int, random: Random) -> int | None:
        """When to try again after the `attempt`-th (1, 2, …) failed at `now_ms`; None when it was the last.

        Times in epoch milliseconds. `random` is asked once for every wait, so one seed gives one run of
        waits.
        """
        spread = 1 + self.jitter * (2 * random.random() - 1)
        wait_s = self.base_s * self.factor ** (attempt - 1) * spread
        due = now_ms + round(wait_s * 1000)
        if attempt >= self.attempts or due > received_at + round(self.limit_s * 1000):
            return None
        return due


def is_retried_status(status: int) -> bool:
    """Whether an HTTP answer or a Segment error with this status is tried again.

    The comments in Segment's framework decide where public sources differ (on 410, 423, 460 and 505): 4xx is
    final but for 408, 423 and 429, and 5xx is tried again but for 501 (@segment/actions-core errors.ts).
    """
    if status >= 500:
        return status not in FINAL_5XX
    return status in RETRIED_4XX
