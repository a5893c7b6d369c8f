"""Which decision a conversion belongs to: every rule is local to one visitor, over plain rows, after de-duplication."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from emulator.datafile_history import DatafileHistory
from emulator.event_row import EventRow

JudgedOutcome = Literal[
    "no_experiment",
    "experiment_not_running",
    "user_not_activated",
    "activated_too_late",
    "excluded",
    "counted",
]


class Attribution(TypedDict):
    """Where a conversion counts."""

    experiment: str
    variation: str
    experiment_id: str
    variation_id: str


@dataclass(frozen=True)
class Rules:
    """Switches for the rules on which public sources conflict or are silent."""

    count_after_pause: bool = False
    count_late_metrics: bool = True
    bot_filtering: bool | None = None


@dataclass(frozen=True)
class Judgement:
    """What becomes of one conversion in the results, and why."""

    outcome: JudgedOutcome
    attributed_to: tuple[Attribution, ...]
    details: tuple[str, ...]
    event_known: bool
    experiment_running: bool
    user_activated: bool | None


def judge(
    conversion: EventRow, decisions: Sequence[EventRow], history: DatafileHistory, rules: Rules
) -> Judgement:
    """Judge one conversion by the decisions of its visitor (any order, replays already collapsed)."""
    raise NotImplementedError


def deduplicate(rows: Iterable[EventRow]) -> list[EventRow]:
    """Collapse rows with the same uuid in the same account: the first received (lowest number, else first given) wins."""
    raise NotImplementedError
