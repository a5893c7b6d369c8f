"""How many rows and bytes are kept: when it is time to look, what is too much, and what goes with the oldest rows."""

from optilocal.emulator.journal.records import LISTINGS
from optilocal.emulator.journal.store import Store, Transaction

RUNS_KEPT = 1_000


class Bounds:
    """`max_rows` bounds exchanges, events and verdicts, each, and `max_bytes` the bodies of exchanges, together."""

    def __init__(self, store: Store, max_rows: int, max_bytes: int | None) -> None:
        self._store = store
        self._most = dict.fromkeys(LISTINGS, max_rows) | {"runs": RUNS_KEPT}
        self._added = dict(self._most)
        self._most_bytes = max_bytes
        self._added_bytes = max_bytes or 0

    def added(self, listing: str, rows: int, size: int = 0) -> None:
        """Take note of new rows, with bodies of so many bytes."""
        self._added[listing] += rows
        self._added_bytes += size

    def excess(self, *listings: str) -> dict[str, int]:
        """Of each of these listings with more rows than are kept the last number that is too much."""
        found = {}
        for listing in listings:
            # Counting takes long: one row in a hundred may be too much for a while.
            if self._added[listing] >= max(1, self._most[listing] // 100):
                self._added[listing] = 0
                excess = int(self._store.value(f"count {listing}")) - self._most[listing]
                if excess > 0:
                    found[listing] = int(self._store.value(f"cutoff {listing}", before=excess - 1))
        return found

    def excess_bytes(self, projected: int) -> dict[str, int]:
        """The oldest exchanges, of those `projected`, whose bodies are too much, and the events that came with them."""
        # Every row is read for it, so a tenth may be too much for a while: with a million bodies of 1 kB that takes 1.6 s.
        if self._most_bytes is None or self._added_bytes < max(1, self._most_bytes // 10):
            return {}
        self._added_bytes = 0
        excess = int(self._store.value("body bytes")) - self._most_bytes
        if excess <= 0:
            return {}
        cutoff = min(int(self._store.value("cutoff bytes", excess=excess)), projected)
        return {
            "exchanges": cutoff,
            "events": int(self._store.value("last event of exchanges", cutoff=cutoff)),
        }


def drop(run: Transaction, listing: str, cutoff: int) -> None:
    """Drop the oldest rows of a listing, and count them."""
    run(f"count dropped {listing}", cutoff=cutoff)
    if listing == "events":
        for name in ("unjudge duplicates", "count verdicts without event", "drop verdicts without event"):
            run(name, cutoff=cutoff)
    run(f"drop {listing}", cutoff=cutoff)
