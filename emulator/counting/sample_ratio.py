"""Whether visitors are spread over variations as intended: the sequential test that Optimizely publishes.

https://github.com/optimizely/ssrm and https://arxiv.org/abs/2011.03567: with the intended shares p, a Dirichlet prior
of the parameters c·p and n visitors counted one after the other, BF = B(α + n) / B(α) / Π pᵢⁿⁱ; the p-value is the
least 1 / BF so far.
The number at which Optimizely's own page speaks of a mismatch is not public.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

CONCENTRATION = 10_000.0
"""The constant c, as in `ssrm_test.ssrm_test.sequential_posteriors`."""
THRESHOLD = 0.01
"""Below this p-value there is a mismatch; an assumption, `srm_threshold` asks for another."""


class SampleRatio(NamedTuple):
    """The p-value after the last visitor, how many there were in each variation since the split last changed, and how
    many ought to have been.
    """

    p_value: float
    visitors: Mapping[str, int]
    expected: Mapping[str, float]


def sample_ratio(entries: Iterable[tuple[str, Mapping[str, float]]]) -> SampleRatio | None:
    """The test over visitors in order of time, each as the variation entered and the split intended then.

    A split that changes begins the test anew. None without a visitor in a variation that has traffic. A visitor in a
    variation that ought to have none is left out.
    """
    split: Mapping[str, float] = {}
    counts: dict[str, int] = {}
    total, log_factor, highest = 0, 0.0, 0.0
    for variation, intended in entries:
        if intended != split:
            split, counts, total, log_factor, highest = intended, dict.fromkeys(intended, 0), 0, 0.0, 0.0
        if variation not in split:
            continue
        share = split[variation]
        log_factor += math.log((CONCENTRATION * share + counts[variation]) / (CONCENTRATION + total) / share)
        counts[variation] += 1
        total += 1
        highest = max(highest, log_factor)
    if not total:
        return None
    return SampleRatio(math.exp(-highest), counts, {key: share * total for key, share in split.items()})
