"""How many rows of each listing are kept: the oldest go first, and are counted."""

from collections.abc import Mapping

from optilocal.emulator.projection.indexing import Transaction


class Bound:
    """The most rows of each listing. It knows how many there are, as long as nobody else takes any away."""

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = dict(most)
        self._since = dict.fromkeys(most, 0)
        self._rows: dict[str, int] = {}

    def forget(self) -> None:
        """Count anew next time: rows were taken away, or another process has written."""
        self._rows.clear()

    def added(self, run: Transaction, **added: int) -> None:
        """Rows were added in this transaction: drop what is too much, some at a time."""
        for listing, count in added.items():
            most = self._most[listing]
            self._since[listing] += count
            if listing in self._rows:
                self._rows[listing] += count
            if self._since[listing] < max(1, min(1_000, most // 100)):
                continue
            self._since[listing] = 0
            if listing not in self._rows:
                self._rows[listing] = run(f"count {listing}")[0]["total"]
            excess = self._rows[listing] - most
            if excess > 0:
                self._drop(run, listing, excess)

    def _drop(self, run: Transaction, listing: str, excess: int) -> None:
        found = run(f"cutoff {listing}", before=excess - 1)
        if not found:
            self.forget()
            return
        cutoff = found[0]["number"]
        run(f"count dropped {listing}", cutoff=cutoff)
        if listing == "events":
            for name in ("decisions dropped", "stale duplicates"):
                run(name, cutoff=cutoff)
            run("count verdicts without event", cutoff=cutoff)
            run("drop verdicts without event", cutoff=cutoff)
            if "verdicts" in self._rows:
                self._rows["verdicts"] -= run("changed")[0]["total"]
        run(f"drop {listing}", cutoff=cutoff)
        self._rows[listing] -= run("changed")[0]["total"]
