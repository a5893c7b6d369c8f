"""What Segment remembers of earlier calls: message ids for de-duplication, and the suppression list."""

from typing import Protocol

WINDOW_MS = 24 * 3600 * 1000
"""Segment promises at least 24 hours (https://segment.com/docs/connections/destinations/); here it is exactly 24 hours.
"""


class Memory(Protocol):
    """The memory of every namespace. A subject's kind is "user_id" or "anonymous_id"; times are in epoch ms."""

    def claim(self, namespace: str, message_id: str, delivery_id: str, at: int) -> str:
        """The delivery that owns `message_id` at `at`: `delivery_id` itself unless another delivery claimed the id within
        the window. A repeated claim changes nothing, so an event keeps its claim after a restart.
        """

    def suppress(self, namespace: str, kind: str, subject: str, at: int) -> None:
        """Puts a subject on the suppression list; a second time changes nothing."""

    def unsuppress(self, namespace: str, kind: str, subject: str) -> None:
        """Removes a subject from the list; an unknown subject is no error."""

    def is_suppressed(self, namespace: str, kind: str, subject: str) -> bool:
        """Whether a subject is on the list."""


class ProcessMemory:
    """The memory of one thread, which goes with the process; see `Memory`."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], tuple[str, int]] = {}
        self._suppressed: set[tuple[str, str, str]] = set()

    def claim(self, namespace: str, message_id: str, delivery_id: str, at: int) -> str:
        owner = self._claims.get((namespace, message_id))
        if owner is None or at - owner[1] >= WINDOW_MS:
            owner = self._claims[namespace, message_id] = (delivery_id, at)
        return owner[0]

    def suppress(self, namespace: str, kind: str, subject: str, at: int) -> None:  # noqa: ARG002 - only what lasts shows when
        self._suppressed.add((namespace, kind, subject))

    def unsuppress(self, namespace: str, kind: str, subject: str) -> None:
        self._suppressed.discard((namespace, kind, subject))

    def is_suppressed(self, namespace: str, kind: str, subject: str) -> bool:
        return (namespace, kind, subject) in self._suppressed
