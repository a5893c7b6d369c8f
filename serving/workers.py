"""The threads that run the app: few at work at a time, however many wait."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

# Threads that fight for the interpreter get less done than few that follow each other.
_AT_WORK = {False: 4, True: 2}
_MOST = 2_000

_current: ContextVar[threading.Semaphore | None] = ContextVar("serving.lane", default=None)


class Workers:
    """Runs jobs in threads: those that may take long on a lane of their own, so that the others never stand behind them.

    A job that only waits says so with `waiting`, and another takes its place meanwhile.
    """

    def __init__(self, name: str) -> None:
        self._lanes = {long: threading.Semaphore(at_work) for long, at_work in _AT_WORK.items()}
        self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix=name)

    def run(self, job: Callable[[], None], *, long: bool) -> None:
        """Run a job as soon as it is its turn."""
        self._pool.submit(self._work, job, self._lanes[long])

    def _work(self, job: Callable[[], None], lane: threading.Semaphore) -> None:
        _current.set(lane)
        with lane:
            job()

    def stop(self) -> None:
        """Let what runs come to its end; what has not begun is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """While the app waits for something that is no work of its own: others get their turn."""
    lane = _current.get()
    if lane is None:
        yield
        return
    lane.release()
    try:
        yield
    finally:
        lane.acquire()
