"""Who waits for which listing of which namespace, and who is woken: nobody else's news wakes them."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from optilocal.emulator.batch.row import EventRow

Key = tuple[str, str | None]
# Filters that can be told from a new event alone, and the event's own name for each.
_FIELDS = {"visitor_id": "visitor_id", "uuid": "uuid", "event_key": "key"}
# What these look at changes without a new row.
_CHANGING = frozenset({"outcome", "experiment"})


class Bell:
    """What one waiter holds. `missing` is how many rows it still lacks: fewer new ones are no news to it.

    One that asks for `outcomes` waits for rows to be judged. `told` is called, in any thread, when it rings.
    """

    def __init__(
        self, filters: Mapping[str, str], asks_for_outcomes: bool, told: Callable[[], None] = lambda: None
    ) -> None:
        self._rung = threading.Event()
        self._told = told
        self._wanted = tuple((name, filters[name]) for name in _FIELDS if name in filters)
        self.outcomes = bool(_CHANGING & set(filters)) or asks_for_outcomes
        self.outcome = filters.get("outcome")
        self.missing = 1

    def wait(self, seconds: float) -> bool:
        """Whether it rang within that time."""
        return self._rung.wait(seconds)

    def is_set(self) -> bool:
        return self._rung.is_set()

    def set(self) -> None:
        self._rung.set()
        self._told()

    def clear(self) -> None:
        self._rung.clear()

    def hear(self, news: "News") -> None:
        """Ring when the new rows may be as many as are missing."""
        found = min((news.values[name][value] for name, value in self._wanted), default=news.rows)
        self.missing -= found
        if self.missing <= 0:
            self.set()


class News:
    """New rows of one namespace: how many, and how often each value stands in them."""

    def __init__(self, rows: int, events: Iterable[EventRow]) -> None:
        self.rows = rows
        self.values: dict[str, Counter[object]] = {name: Counter() for name in _FIELDS}
        for event in events:
            for name, field in _FIELDS.items():
                self.values[name][event[field]] += 1  # type: ignore[literal-required]


class Bells:
    """One bell a waiter; ringing one that nobody holds costs next to nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Key, set[Bell]] = {}
        self.captured = threading.Event()
        self.silenced = False

    @contextlib.contextmanager
    def hold(
        self,
        listing: str,
        namespace: str | None,
        filters: Mapping[str, str] | None = None,
        *,
        outcomes: bool = False,
    ) -> Iterator[Bell]:
        """A bell that rings when rows are new in the listing that may pass the filters; namespace None means any."""
        bell = Bell(filters or {}, outcomes)
        let_go = self.hang((listing, namespace), bell)
        try:
            yield bell
        finally:
            let_go()

    def hang(self, key: Key, bell: Bell) -> Callable[[], None]:
        """Let a bell ring for what is new in a listing of a namespace; what is returned ends that."""
        with self._lock:
            self._held.setdefault(key, set()).add(bell)

        def let_go() -> None:
            with self._lock:
                self._held[key].discard(bell)
                if not self._held[key]:
                    del self._held[key]

        return let_go

    def held(self, listing: str, namespace: str | None) -> int:
        """How many wait for the same."""
        with self._lock:
            return len(self._held.get((listing, namespace), ()))

    def ring(self, namespace: str, *listings: str) -> None:
        """Tell everyone who waits for one of these listings: anything may have changed."""
        for bell in self._of(namespace, listings):
            bell.set()

    def ring_added(self, namespace: str, listings: Iterable[str], rows: int, events: list[EventRow]) -> None:
        """Tell those who wait for one of these listings that it has new rows, made of these events."""
        bells = self._of(namespace, listings)
        if bells:
            news = News(rows, events)
            for bell in bells:
                if not bell.outcomes:
                    bell.hear(news)
            # One of those who wait for outcomes has the new rows judged; what comes of it is told to all of them.
            first = next((bell for bell in bells if bell.outcomes), None)
            if first is not None:
                first.set()

    def ring_judged(self, namespace: str, outcomes: Container[str | None]) -> None:
        """Tell those who wait for outcomes that rows were judged, and what came of it."""
        for bell in self._of(namespace, ("exchanges", "events", "verdicts")):
            if bell.outcomes and (bell.outcome is None or bell.outcome in outcomes):
                bell.set()

    def _of(self, namespace: str, listings: Iterable[str]) -> list[Bell]:
        if not self._held:
            return []
        with self._lock:
            keys = [(listing, space) for listing in listings for space in (namespace, None)]
            return [bell for key in keys for bell in self._held.get(key, ())]

    def ring_captured(self) -> None:
        """Tell whoever indexes that there is something to index."""
        if not self.captured.is_set():
            self.captured.set()

    def ring_all(self) -> None:
        """Tell everyone: anything may have changed anywhere."""
        with self._lock:
            for bells in self._held.values():
                for bell in bells:
                    bell.set()

    def silence(self) -> None:
        """Let everyone go: from now on nobody waits."""
        self.silenced = True
        self.ring_all()
