"""Who waits for new rows of which listing, and who is woken when a commit brings some."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from optilocal.emulator.journal.records import Step

WATCHED = ("visitor_id", "uuid", "event_key", "outcome")
"""The filters whose values a commit tells of the rows it brings."""

News = Counter[tuple[str, str | None]]
"""How often each value of a watched field stands in the new rows, by `(field, value)`."""


class Waiter:
    """One subscription. `missing` is how many rows it still lacks: fewer new ones that may match do not wake it."""

    def __init__(
        self,
        waiters: "Waiters",
        key: tuple[str, str | None],
        filters: Mapping[str, str],
        wake: Callable[[], None],
    ) -> None:
        self._waiters, self._key, self._wake = waiters, key, wake
        self._wanted = [(name, filters[name]) for name in WATCHED if name in filters]
        self.missing = 1

    def close(self) -> None:
        """End the subscription; as often as one likes."""
        self._waiters._remove(self._key, self)

    def tell(self, rows: int, news: News | None, *, changed: int = 0) -> None:
        """Wake whoever waits when the rows that are new, or have `changed` their outcome, may be as many as it lacks.

        Of a changed row only the outcome is told. Without news anything may have changed.
        """
        if news is not None:
            self.missing -= min(
                (news[each] + (changed if each[0] != "outcome" else 0) for each in self._wanted),
                default=rows + changed,
            )
        if news is None or self.missing <= 0:
            self._wake()


class Waiters:
    """Everybody who waits for one journal. Callbacks are called in the thread that has committed, and must be quick."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str | None], set[Waiter]] = {}

    def subscribe(
        self, listing: str, namespace: str | None, filters: Mapping[str, str], wake: Callable[[], None]
    ) -> Waiter:
        """Have `wake` called when rows of a listing that may pass the filters are new; namespace None means any."""
        key = (listing, namespace)
        waiter = Waiter(self, key, filters, wake)
        with self._lock:
            self._waiting.setdefault(key, set()).add(waiter)
        return waiter

    def _remove(self, key: tuple[str, str | None], waiter: Waiter) -> None:
        with self._lock:
            waiting = self._waiting.get(key, set())
            waiting.discard(waiter)
            if not waiting:
                self._waiting.pop(key, None)

    def of(self, namespace: str, listings: Iterable[str]) -> list[Waiter]:
        """Who waits for one of the listings of a namespace."""
        if not self._waiting:
            return []
        with self._lock:
            keys = [(listing, space) for listing in listings for space in (namespace, None)]
            return [waiter for key in keys for waiter in self._waiting.get(key, ())]

    def wake(self, namespace: str, *listings: str) -> None:
        """Anything may have changed in these listings of a namespace."""
        for waiter in self.of(namespace, listings):
            waiter.tell(0, None)

    def tell(self, step: Step) -> None:
        """Wake whoever waits for what a step has brought."""
        for namespace, exchanges in step.namespaces.items():
            waiting = self.of(namespace, ("exchanges", "events", "verdicts"))
            if not waiting:
                continue
            news: News = Counter()
            own = [event for event in step.events if event.namespace == namespace]
            for event in own:
                news.update(
                    [("visitor_id", event.visitor_id), ("uuid", event.uuid), ("event_key", event.key)]
                )
            news.update(("outcome", new.judged.outcome) for new in step.verdicts if new.judged)
            news.update(("outcome", judged.outcome) for judged in step.judged.values())
            for waiter in waiting:
                waiter.tell(max(exchanges, len(own)), news, changed=len(step.judged))

    def wake_all(self) -> None:
        """Anything may have changed anywhere."""
        with self._lock:
            everybody = [waiter for waiting in self._waiting.values() for waiter in waiting]
        for waiter in everybody:
            waiter.tell(0, None)
