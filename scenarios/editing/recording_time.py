"""Lays recorded moments out on a scenario's clock, on which each step is one second later than the one before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.scenarios.running.runner import STEP_MS

_PAUSE_MS = 60_000


@dataclass(frozen=True)
class Moment:
    """One step to be, and when it was (epoch ms).

    `fixed`: the step's own time is what counts for it, as of a decision; a source event has its time written out,
    `event_at`. `visitor` is whom a decision or a conversion belongs to.
    """

    at: int
    step: dict[str, Any]
    fixed: bool = False
    verdict: Any = None
    visitor: str | None = None
    event_at: int | None = None


def laid_out(moments: Sequence[Moment]) -> tuple[int, list[Moment], bool]:
    """The clock's start, the steps in order, waits between them, and whether times had to be spread out.

    Recorded times are kept where the clock's seconds allow it; where they would put a conversion on the other side of
    a decision or of a new datafile, every time is spread out instead, in the same order.
    """
    ordered = sorted(moments, key=lambda moment: moment.at)
    start, timed = _timed(ordered)
    if _same_order(ordered, [time for _, time in timed]):
        return start, _with_waits(start, timed), False
    spread = [replace(moment, at=start + index * STEP_MS) for index, moment in enumerate(ordered)]
    return start, [_retimed(moment, ordered, spread) for moment in spread], True


def _timed(ordered: Sequence[Moment]) -> tuple[int, list[tuple[Moment, int]]]:
    """Each step's time on the clock: that of the moment itself for the fixed ones, or earlier where seconds lack."""
    times = [moment.at for moment in ordered]
    later: tuple[int, int] | None = None
    for index in range(len(ordered) - 1, -1, -1):
        anchored = _is_anchored(ordered, index)
        if later is not None:
            latest = later[1] - (later[0] - index) * STEP_MS
            gap = latest - times[index] if anchored else 0
            # A wait is a step too, and so takes a second at least.
            times[index] = latest - max(gap, STEP_MS + 1) if gap > 0 else latest
        if anchored:
            later = (index, times[index])
    for index in range(1, len(ordered)):
        if not _is_anchored(ordered, index):
            times[index] = times[index - 1] + STEP_MS
    return times[0], list(zip(ordered, times, strict=True))


def _is_anchored(ordered: Sequence[Moment], index: int) -> bool:
    """Whether a step needs its own time: a fixed one, and one after a pause in which Segment or retries may forget."""
    return ordered[index].fixed or (index > 0 and ordered[index].at - ordered[index - 1].at >= _PAUSE_MS)


def _with_waits(start: int, timed: Sequence[tuple[Moment, int]]) -> list[Moment]:
    steps: list[Moment] = []
    waited = 0
    for moment, time in timed:
        gap = time - (start + len(steps) * STEP_MS + waited)
        if gap > 0:
            wait = gap - STEP_MS
            steps.append(Moment(time, {"wait": _duration(wait)}))
            waited += wait
        steps.append(moment)
    return steps


def _duration(ms: int) -> str:
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")):
        if ms and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def _same_order(ordered: Sequence[Moment], times: Sequence[int]) -> bool:
    """Whether every conversion is still on the same side of each decision of its visitor and of each datafile."""
    fixed = [(moment, time) for moment, time in zip(ordered, times, strict=True) if moment.fixed]
    return all(
        (moment.at <= conversion.event_at) == (time <= conversion.event_at)
        for conversion in ordered
        if conversion.event_at is not None
        for moment, time in fixed
        if moment.visitor in (None, conversion.visitor)
    ) and all(
        (first.at <= second.at) == (first_time <= second_time)
        for first, first_time in fixed
        if first.visitor is None
        for second, second_time in fixed
    )


def _retimed(moment: Moment, ordered: Sequence[Moment], spread: Sequence[Moment]) -> Moment:
    """A source event with a time right after the last fixed step that it came after."""
    if moment.event_at is None:
        return moment
    before = [
        new.at for old, new in zip(ordered, spread, strict=True) if old.fixed and old.at <= moment.event_at
    ]
    first = min((new.at for new in spread if new.fixed), default=moment.at)
    time = iso_time(max(before) + STEP_MS // 2 if before else first - STEP_MS)
    return replace(moment, step={kind: {**call, "timestamp": time} for kind, call in moment.step.items()})
