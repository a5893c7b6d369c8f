"""The findings of the pre-flight: one record for each problem of an event, with the places it occurs at."""

from dataclasses import dataclass, field
from functools import partialmethod
from typing import Any, Literal

from optilocal.emulator.datafile.nearest import Near
from optilocal.scenarios.check.tracked import Place

Severity = Literal["never_counts", "worth_knowing"]
_SHOWN_PLACES = 20


@dataclass(slots=True)
class Finding:
    """One problem. `event` is the name as tracked, None where the problem is not one event's; `nearest` are the keys that
    were probably meant; `count` is how often it occurs, `places` are the first twenty places.
    """

    severity: Severity
    code: str
    event: str | None
    message: str
    remedy: str
    nearest: tuple[Near, ...] = ()
    count: int = 0
    places: list[Place] = field(default_factory=list)

    def at(self, place: Place | None) -> None:
        """Count one more occurrence."""
        self.count += 1
        if place is not None and place not in self.places and len(self.places) < _SHOWN_PLACES:
            self.places.append(place)

    def as_json(self) -> dict[str, Any]:
        """The record as the report has it."""
        return {
            "severity": self.severity,
            "code": self.code,
            "event": self.event,
            "message": self.message,
            "remedy": self.remedy,
            "nearest": [{"key": near.name, "differs": near.difference} for near in self.nearest],
            "count": self.count,
            "places": [place.as_json() for place in self.places],
        }


class Findings:
    """Collects findings. The same message on the same event is one finding with several places."""

    def __init__(self) -> None:
        self._findings: dict[tuple[str, str | None, str], Finding] = {}

    def _add(
        self,
        code: str,
        event: str | None,
        place: Place | None,
        message: str,
        remedy: str,
        *,
        severity: Severity,
        nearest: tuple[Near, ...] = (),
    ) -> None:
        finding = Finding(severity, code, event, message, remedy, nearest)
        self._findings.setdefault((code, event, message), finding).at(place)

    never_counts = partialmethod(_add, severity="never_counts")
    """The event is lost, or nothing counts it."""
    worth_knowing = partialmethod(_add, severity="worth_knowing")
    """The event counts all the same."""

    def all(self) -> list[Finding]:
        """Findings that cost an event first; each severity in the order of discovery."""
        return sorted(self._findings.values(), key=lambda finding: finding.severity != "never_counts")
