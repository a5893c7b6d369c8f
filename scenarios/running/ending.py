"""How a command ends on a signal: Ctrl-C, SIGTERM or SIGHUP, once or twice, at any moment.

The first signal unwinds the command in good order. What has not ended `GRACE_S` later, or when a second signal comes, is
ended at once: its processes are killed, its temporary folder is removed.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

GRACE_S = 1.5
"""A command ends within two seconds; half a second is left for killing and removing."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_TIMED = hasattr(signal, "setitimer")


class Ended(KeyboardInterrupt):
    """A signal ends the command. `code` is its exit code as shells say it: 130 for SIGINT, 143 for SIGTERM, 129 for
    SIGHUP.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Ending:
    """What happens at a signal, within `endable`. `folder` holds every temporary file of the command and its processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = os.getpid()
        self.code: int | None = None
        """The exit code once a signal came; a command that a signal ends as it should may set another."""

    def __call__(self, number: int, _: FrameType | None) -> None:
        """The handler of the signals, and of the timer that runs from the first one on."""
        if os.getpid() != self._owner:  # a process forked a moment ago
            os._exit(128 + number)
        first = self.code is None
        if number in SIGNALS:
            self.code = 128 + number
        if not first:
            self.now()
        if _TIMED:
            signal.setitimer(signal.ITIMER_REAL, GRACE_S)
        raise Ended(128 + number)

    def now(self) -> None:
        """End this process and those it started, at once."""
        with contextlib.suppress(Exception):
            children = multiprocessing.active_children()
            for child in children:
                child.kill()
            for child in children:
                child.join(0.2)
            shutil.rmtree(self._folder, ignore_errors=True)
            if sys.stdout.isatty():
                sys.stdout.write("\x1b[?25h")  # a progress line had hidden the cursor
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(130 if self.code is None else self.code)


@contextlib.contextmanager
def endable() -> Iterator[Ending]:
    """Within it the first signal raises Ended in the main thread, a second one ends the process at once. Temporary files
    are made in a folder of its own, which goes with it.
    """
    folder = Path(tempfile.mkdtemp(prefix="optilocal-"))
    ending = Ending(folder)
    before_folder, tempfile.tempdir = tempfile.tempdir, str(folder)
    in_main = threading.current_thread() is threading.main_thread()
    numbers = (*SIGNALS, *((signal.SIGALRM,) if _TIMED else ())) if in_main else ()
    before: dict[int, Any] = {number: signal.signal(number, ending) for number in numbers}
    try:
        with _interrupts_not_printed():
            yield ending
    except BaseException:
        if ending.code is not None:
            ending.now()
        raise
    finally:
        if in_main and _TIMED:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        tempfile.tempdir = before_folder
        shutil.rmtree(folder, ignore_errors=True)


def leave_to_parent() -> None:
    """In a worker's process: Ctrl-C, which a terminal sends to all, is the parent's; anything else ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in SIGNALS[1:]:
        signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def _interrupts_not_printed() -> Iterator[None]:
    """Python prints an exception that is raised in a finalizer, and goes on; the timer then ends the command."""
    before = sys.unraisablehook

    def hook(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            before(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
