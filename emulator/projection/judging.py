"""Outcomes judged and results counted in the background, soon after their rows arrive, so that nobody who asks for
them waits; capture comes first.
"""

import threading
from collections.abc import Callable

from optilocal.emulator.clock import own_work
from optilocal.emulator.journal.bells import Bell
from optilocal.emulator.journal.file import JournalError
from optilocal.emulator.projection.judge import Judge

# Rows a transaction. Nobody waits for a quiet journal's; capture waits a millisecond for one of a busy journal.
_SLICE, _BUSY_SLICE = 200, 40
# Seconds. What belongs together, as a conversion and the report on it, mostly comes together.
_SETTLE = 0.05
# Other processes that write the same journal, and new datafiles, are noticed at least this often, in seconds.
_RECHECK = 1.0
# While requests keep coming, the share of the time that judging leaves to them, as a multiple of its own.
_GIVEN_WAY = 24
_LONGEST_PAUSE = 0.5
# Seconds. Long enough for a request that came meanwhile to get its turn.
_BREATH = 0.001
# Seconds of work after which anybody else may want a turn.
_LONG_ENOUGH = 0.01
_AFTER_ERROR = 5.0


class _Stopped(Exception):
    """The emulator stops, and counting with it."""


class Judging:
    """A thread that keeps a journal's stored outcomes and its judge's results up to date.

    Whoever asks meanwhile waits for what is left. Outcomes are stored a slice a transaction: stopped or killed at any
    point it leaves whole outcomes, and rows still to be judged.
    """

    def __init__(self, judge: Judge, report: Callable[[str], None]) -> None:
        self._judge = judge
        self._report = report
        self._stopping = threading.Event()
        self._bell: Bell | threading.Event = threading.Event()
        self._working_since = 0.0
        self._thread = threading.Thread(target=self._run, name="judging", daemon=True)

    def start(self) -> None:
        """Judge from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the slice or visitor in hand, at most, and end; before the journal is closed."""
        self._stopping.set()
        self._bell.set()
        self._judge.wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        with self._judge.journal.bells.hold("verdicts", None) as self._bell:
            while not self._stopping.is_set():
                self._bell.clear()
                try:
                    self._catch_up()
                    self._working_since = own_work()
                    self._judge.count_ahead(self._give_way)
                except _Stopped:
                    return
                except JournalError:
                    # The disk may be full, the file locked: whoever asks is told; here it is tried again.
                    self._stopping.wait(_AFTER_ERROR)
                except Exception as error:
                    self._report(f"judging in the background ended: {type(error).__name__}: {error}")
                    return
                if not self._stopping.is_set() and self._bell.wait(_RECHECK):
                    self._stopping.wait(_SETTLE)

    def _catch_up(self) -> None:
        most = _SLICE
        while not self._stopping.is_set():
            begun = own_work()
            if not self._judge.refresh_some(None, most):
                return
            busy = self._bell.is_set()
            self._bell.clear()
            most = _BUSY_SLICE if busy else _SLICE
            pause = min((own_work() - begun) * _GIVEN_WAY, _LONGEST_PAUSE) if busy else _BREATH
            self._stopping.wait(pause)

    def _give_way(self) -> None:
        """Between two visitors that are counted: let capture go first, unless somebody waits for the results."""
        if self._stopping.is_set():
            raise _Stopped
        worked = own_work() - self._working_since
        if self._bell.is_set():
            self._bell.clear()
            self._judge.wanted.wait(min(worked * _GIVEN_WAY, _LONGEST_PAUSE))
        elif worked > _LONG_ENOUGH:
            self._stopping.wait(_BREATH)
        else:
            return
        self._working_since = own_work()
