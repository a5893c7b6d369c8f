"""The suppression list, and the effects of each type of regulation."""

from __future__ import annotations

import threading
from typing import Protocol

SUPPRESSING = frozenset({"SUPPRESS_WITH_DELETE", "SUPPRESS_ONLY", "SUPPRESS_WITH_DELETE_INTERNAL"})
"""Regulation types that put a subject on the suppression list."""

REACHES_DESTINATIONS = frozenset({"SUPPRESS_WITH_DELETE", "DELETE_ONLY"})
"""Regulation types that Segment forwards to destinations; the other deletions stay within Segment.

Source: https://segment.com/docs/privacy/user-deletion-and-suppression/.
"""

REGULATION_TYPES = (
    SUPPRESSING | REACHES_DESTINATIONS | {"UNSUPPRESS", "DELETE_INTERNAL", "DELETE_ARCHIVE_ONLY"}
)


class SuppressionList(Protocol):
    """The subjects whose events are dropped. A kind is "user_id" or "anonymous_id"."""

    def add(self, kind: str, subject: str, at: int) -> None:
        """Suppresses a subject from `at` (epoch ms) on; a second time changes nothing."""

    def remove(self, kind: str, subject: str) -> None:
        """Removes a subject; an unknown subject is no error."""

    def contains(self, kind: str, subject: str) -> bool:
        """Whether a subject is suppressed."""

    def subjects(self, kind: str) -> list[str]:
        """Every suppressed subject of a kind, oldest first."""


class MemorySuppressionList:
    """A suppression list that lives as long as the process."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, subject: str, at: int) -> None:
        """Suppresses a subject from `at` on."""
        with self._lock:
            self._rows.setdefault((kind, subject), at)

    def remove(self, kind: str, subject: str) -> None:
        """Removes a subject."""
        with self._lock:
            self._rows.pop((kind, subject), None)

    def contains(self, kind: str, subject: str) -> bool:
        """Whether a subject is suppressed."""
        with self._lock:
            return (kind, subject) in self._rows

    def subjects(self, kind: str) -> list[str]:
        """Every suppressed subject of a kind, oldest first."""
        with self._lock:
            return [subject for of_kind, subject in self._rows if of_kind == kind]


def regulate(suppressed: SuppressionList, regulation_type: str, kind: str, subject: str, at: int) -> bool:
    """Applies one regulation to the list; returns whether Segment forwards it to destinations.

    Raises ValueError with one line for an unknown regulation type.
    """
    if regulation_type not in REGULATION_TYPES:
        known = ", ".join(sorted(REGULATION_TYPES))
        raise ValueError(f"regulation type {regulation_type!r} is not known; use one of {known}")
    if regulation_type in SUPPRESSING:
        suppressed.add(kind, subject, at)
    elif regulation_type == "UNSUPPRESS":
        suppressed.remove(kind, subject)
    return regulation_type in REACHES_DESTINATIONS


def suppressed_subject(suppressed: SuppressionList, event: dict[str, object]) -> tuple[str, str] | None:
    """The (kind, subject) that suppresses a source event, or None."""
    for kind, field in (("user_id", "userId"), ("anonymous_id", "anonymousId")):
        subject = event.get(field)
        if isinstance(subject, str | int) and suppressed.contains(kind, str(subject)):
            return kind, str(subject)
    return None
