"""Ctrl-C is heeded wherever it falls: Python drops a KeyboardInterrupt that is raised in a finalizer, with a traceback."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def dropped_interrupts() -> Iterator[threading.Event]:
    """Set once Python has dropped an interrupt, which is then not printed either."""
    before, dropped = sys.unraisablehook, threading.Event()

    def hook(told: sys.UnraisableHookArgs) -> None:
        if issubclass(told.exc_type, KeyboardInterrupt):
            dropped.set()
        else:
            before(told)

    sys.unraisablehook = hook
    try:
        yield dropped
    finally:
        sys.unraisablehook = before
