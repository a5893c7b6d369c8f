"""A namespace's suppression list and message ids, kept in the spool."""

from __future__ import annotations

from dataclasses import dataclass

from optilocal.forwarder.store.spool import Spool


@dataclass(frozen=True)
class SpooledMemory:
    """What a namespace's pipeline remembers of earlier calls: its `Deduplication` and `SuppressionList`."""

    spool: Spool
    namespace: str

    def claim(self, message_id: str, delivery_id: str, at: int) -> str:
        """The owner of a message id, see `Deduplication.claim`."""
        return self.spool.claim(self.namespace, message_id, delivery_id, at)

    def add(self, kind: str, subject: str, at: int) -> None:
        """Suppress a subject from `at` on."""
        self.spool.suppress(self.namespace, kind, subject, at)

    def remove(self, kind: str, subject: str) -> None:
        """Take events of a subject again."""
        self.spool.unsuppress(self.namespace, kind, subject)

    def contains(self, kind: str, subject: str) -> bool:
        """Whether a subject is suppressed."""
        return self.spool.is_suppressed(self.namespace, kind, subject)

    def subjects(self, kind: str) -> list[str]:
        """Every suppressed subject of a kind, oldest first."""
        return [subject for subject, _ in self.spool.suppressed(self.namespace, kind)]
