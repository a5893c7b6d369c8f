"""Captured requests indexed in the background, as soon as they come; while they keep coming, capture goes first."""

import threading
from collections.abc import Callable

from optilocal.emulator.clock import own_work
from optilocal.emulator.journal.file import JournalError
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.request_log import Watch
from optilocal.emulator.wire.capture import MOST_WAITING

# Requests a transaction, at least and at most: a single one is there at once, many waiting ones cost less together.
_SLICE, _LARGE_SLICE = 64, 256
# While requests keep coming, the share of the time that indexing leaves to them, as a multiple of its own.
_GIVEN_WAY = 4.0
_LONGEST_PAUSE = 0.1
_BREATH = 0.1
# Other processes that write the same journal are noticed at least this often, in seconds.
_RECHECK = 0.5
_AFTER_ERROR = 1.0


class Indexer:
    """A thread that empties the log of captured requests into the journal's tables."""

    def __init__(self, journal: Journal, report: Callable[[str], None]) -> None:
        self._journal = journal
        self._report = report
        self._watch = Watch(journal.log)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="indexing", daemon=True)

    def start(self) -> None:
        """Index from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the slice in hand and end; before the journal is closed."""
        self._stopping.set()
        self._journal.bells.captured.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        captured, told = self._journal.bells.captured, False
        while not self._stopping.is_set():
            captured.clear()
            try:
                self._empty()
                self._journal.notice_others()
                told = False
            except JournalError as error:
                # What is in the log is safe: it is tried again, and whoever asks meanwhile is told.
                if not told:
                    self._report(f"captured requests wait to be indexed: {error}")
                told = True
                self._stopping.wait(_AFTER_ERROR)
                continue
            except Exception as error:
                self._report(f"indexing in the background ended: {type(error).__name__}: {error}")
                return
            captured.wait(_RECHECK)

    def _empty(self) -> None:
        log = self._journal.log
        while not self._stopping.is_set():
            begun, written = own_work(), log.written
            if not self._journal.index_some(max(_SLICE, min(log.pending // 8, _LARGE_SLICE))):
                return
            if log.written > written:
                # The more waits, the less way is given; none to speak of where capture has time to spare.
                waiting = log.pending / MOST_WAITING
                share = _GIVEN_WAY * max(0.0, 1 - waiting) if self._watch.is_busy() else _BREATH
                self._stopping.wait(min((own_work() - begun) * share, _LONGEST_PAUSE))
