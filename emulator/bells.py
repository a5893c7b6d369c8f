"""Who waits for which listing of which namespace, and how they are woken: nobody else's news wakes them."""

import contextlib
import threading
from collections.abc import Iterator

Key = tuple[str, str | None]


class Bells:
    """One bell a waiter; ringing one that nobody holds costs next to nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Key, set[threading.Event]] = {}
        self.captured = threading.Event()
        self.silenced = False

    @contextlib.contextmanager
    def hold(self, listing: str, namespace: str | None) -> Iterator[threading.Event]:
        """A bell that rings when the listing changes; namespace None means any."""
        bell = threading.Event()
        key = (listing, namespace)
        with self._lock:
            self._held.setdefault(key, set()).add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                self._held[key].discard(bell)
                if not self._held[key]:
                    del self._held[key]

    def held(self, listing: str, namespace: str | None) -> int:
        """How many wait for the same."""
        with self._lock:
            return len(self._held.get((listing, namespace), ()))

    def ring(self, namespace: str, *listings: str) -> None:
        """Tell everyone who waits for one of these listings."""
        if not self._held:
            return
        with self._lock:
            for listing in listings:
                for key in ((listing, namespace), (listing, None)):
                    for bell in self._held.get(key, ()):
                        bell.set()

    def ring_captured(self) -> None:
        """Tell whoever indexes that there is something to index."""
        if not self.captured.is_set():
            self.captured.set()

    def silence(self) -> None:
        """Let everyone go: from now on nobody waits."""
        with self._lock:
            self.silenced = True
            for bells in self._held.values():
                for bell in bells:
                    bell.set()
