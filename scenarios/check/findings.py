"""What the pre-flight found: one record for one problem of one event, with every place it occurs at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from optilocal.emulator.datafile.nearest import Near
from optilocal.scenarios.check.tracked import Place

Severity = Literal["never_counts", "worth_knowing"]
_SHOWN_PLACES = 20


@dataclass(slots=True)
class Finding:
    """One problem. `event` is the name as tracked, None where it concerns no single event; `nearest` are keys somebody
    probably meant; `count` says how often it occurs, `places` where, the first twenty of them.
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
        """It occurs here too."""
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
    """Collects findings; what is said twice of one event is one finding with two places."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None, str], Finding] = {}

    def never_counts(
        self,
        code: str,
        event: str | None,
        place: Place | None,
        message: str,
        remedy: str,
        *,
        nearest: tuple[Near, ...] = (),
    ) -> None:
        """The event is lost, or nothing counts it."""
        self._add(Finding("never_counts", code, event, message, remedy, nearest), place)

    def worth_knowing(
        self,
        code: str,
        event: str | None,
        place: Place | None,
        message: str,
        remedy: str,
        *,
        nearest: tuple[Near, ...] = (),
    ) -> None:
        """The event counts all the same."""
        self._add(Finding("worth_knowing", code, event, message, remedy, nearest), place)

    def _add(self, finding: Finding, place: Place | None) -> None:
        key = (finding.code, finding.event, finding.message)
        self._found.setdefault(key, finding).at(place)

    def all(self) -> list[Finding]:
        """Those that cost an event first, each kind in the order of discovery."""
        return sorted(self._found.values(), key=lambda finding: finding.severity != "never_counts")
