"""Outcomes judged in the background, soon after their rows arrive, so that nobody who filters by them waits; capture
comes first.
"""

import threading
from collections.abc import Callable

from emulator.clock import monotonic
from emulator.journal_file import JournalError
from emulator.judge import Judge

# Rows a transaction. Nobody waits for a quiet journal's; capture waits a millisecond for one of a busy journal.
_SLICE, _BUSY_SLICE = 200, 40
# Seconds. What belongs together, as a conversion and the report on it, mostly comes together.
_SETTLE = 0.05
# Other processes that write the same journal, and new datafiles, are noticed at least this often, in seconds.
_RECHECK = 1.0
# While requests keep coming, the share of the time that judging leaves to them, as a multiple of its own.
_GIVEN_WAY = 24
# Seconds. Long enough for a request that came meanwhile to get its turn.
_BREATH = 0.001
_AFTER_ERROR = 5.0


class Judging:
    """A thread that brings a journal's stored outcomes up to date; whoever filters meanwhile waits for what is left.

    Each slice is one transaction: stopped or killed at any point it leaves whole outcomes, and rows still to be judged.
    """

    def __init__(self, judge: Judge, report: Callable[[str], None]) -> None:
        self._judge = judge
        self._report = report
        self._stopping = threading.Event()
        self._bell: threading.Event | None = None
        self._thread = threading.Thread(target=self._run, name="judging", daemon=True)

    def start(self) -> None:
        """Judge from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the slice in hand, at most, and end; before the journal is closed."""
        self._stopping.set()
        if self._bell is not None:
            self._bell.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with self._judge.journal.bells.hold("verdicts", None) as bell:
            self._bell = bell
            while not self._stopping.is_set():
                bell.clear()
                try:
                    self._catch_up(bell)
                except JournalError:
                    # The disk may be full, the file locked: whoever asks is told; here it is tried again.
                    self._stopping.wait(_AFTER_ERROR)
                except Exception as error:
                    self._report(f"judging in the background ended: {type(error).__name__}: {error}")
                    return
                if not self._stopping.is_set() and bell.wait(_RECHECK):
                    self._stopping.wait(_SETTLE)

    def _catch_up(self, bell: threading.Event) -> None:
        most = _SLICE
        while not self._stopping.is_set():
            begun = monotonic()
            if not self._judge.refresh_some(None, most):
                return
            busy = bell.is_set()
            bell.clear()
            most = _BUSY_SLICE if busy else _SLICE
            self._stopping.wait((monotonic() - begun) * _GIVEN_WAY if busy else _BREATH)
