"""`--forget-after`: namespaces in which nothing has come for so long are forgotten, with their datafiles."""

import threading
from collections.abc import Callable

from optilocal.emulator.context import CLOCK
from optilocal.emulator.datafile import bandit, forced
from optilocal.emulator.datafile.store import REVISION, STORED
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.privacy import subject_access
from optilocal.emulator.wire import faults
from optilocal.serving.clock import Clock
from optilocal.serving.namespaces import DEFAULT

SETTINGS = (faults.KIND, forced.KIND, CLOCK, subject_access.KIND, bandit.TABLE, bandit.SERVED)
"""The documents of a namespace that a reset forgets."""
DATAFILES = (STORED, REVISION)
"""Those that it forgets when that is asked for."""

_KIND = "idle"
_LISTINGS = ("exchanges", "verdicts", "runs")


def forget_idle(journal: Journal, now_ms: int, after_ms: int) -> list[str]:
    """Forget each namespace but `default` in which nothing has come for `after_ms`; their names.

    A namespace's own clock may stand anywhere: what counts is the system's time, at which this was called when it idle
    the namespace with its newest rows.
    """
    seen: dict[str, list[int]] = journal.document(_KIND, "") or {}
    idle: dict[str, list[int]] = {}
    forgotten = []
    for name in (row["name"] for row in journal.namespaces()):
        if name == DEFAULT:
            continue
        newest = [journal.ends(listing, name).last for listing in _LISTINGS]
        since = seen[name][-1] if name in seen and seen[name][:-1] == newest else now_ms
        if now_ms - since < after_ms:
            idle[name] = [*newest, since]
            continue
        journal.reset(name, [*SETTINGS, *DATAFILES])
        forgotten.append(name)
    if idle != seen:
        journal.change_document(_KIND, "", lambda _: idle)
    return forgotten


def forgetting(
    journal: Journal,
    clock: Clock,
    after_ms: int,
    stopping: threading.Event,
    report: Callable[[str], None],
) -> threading.Thread:
    """A thread that looks after idle namespaces until `stopping`, in the emulator that projects."""

    def run() -> None:
        # A tenth of the time is late enough, and a minute early enough.
        while not stopping.wait(min(60.0, after_ms / 10_000)):
            try:
                if journal.leads():
                    forget_idle(journal, clock.now_ms(), after_ms)
            except JournalError as error:
                report(f"idle namespaces are not forgotten now: {error}")

    thread = threading.Thread(target=run, name="forgetting", daemon=True)
    thread.start()
    return thread
