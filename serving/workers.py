"""The threads that run the app: few at work at a time, however many wait."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

# Threads that fight for the interpreter get less done than few that follow each other.
_AT_WORK = 4
_MOST = 2_000

_current: ContextVar["Workers | None"] = ContextVar("serving.workers", default=None)


class Workers:
    """Runs jobs in threads. A job that only waits says so with `waiting`, and another takes its place meanwhile."""

    def __init__(self, name: str) -> None:
        self._gate = threading.Semaphore(_AT_WORK)
        self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix=name)

    def run(self, job: Callable[[], None]) -> None:
        """Run a job as soon as it is its turn."""
        self._pool.submit(self._work, job)

    def _work(self, job: Callable[[], None]) -> None:
        _current.set(self)
        with self._gate:
            job()

    @contextlib.contextmanager
    def _away(self) -> Iterator[None]:
        self._gate.release()
        try:
            yield
        finally:
            self._gate.acquire()

    def stop(self) -> None:
        """Let what runs come to its end; what has not begun is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """While the app waits for something that is no work of its own: others get their turn."""
    workers = _current.get()
    if workers is None:
        yield
        return
    with workers._away():
        yield
