"""What every room of a running emulator is handed: settings, clock, journal, judge, ids."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import current_app, request

from optilocal.emulator.clock import namespace_time
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.projection.judge import Judge
from optilocal.emulator.settings import Settings
from optilocal.serving.clock import Clock
from optilocal.serving.site import current_namespace

EXTENSION = "emulator"
CLOCK = "clock"


@dataclass(frozen=True)
class Context:
    """One emulator's parts. `new_id` gives a new id of 32 hexadecimal digits."""

    settings: Settings
    clock: Clock
    journal: Journal
    judge: Judge
    new_id: Callable[[], str]
    stopping: threading.Event = field(default_factory=threading.Event)

    def report(self, text: str) -> None:
        """Tell whoever started the emulator what it got wrong, in one line."""
        sys.stderr.write(f"emulator: {text}\n")

    def now(self, namespace: str) -> int:
        """The namespace's time, epoch milliseconds."""
        return namespace_time(self.clock, self.journal.document(CLOCK, namespace))


def context() -> Context:
    """The parts of the emulator that handles the current request."""
    found: Context = current_app.extensions[EXTENSION]
    return found


def namespace() -> str:
    """The namespace of the current request."""
    return current_namespace()


def base_url() -> str:
    """Where the current request's namespace is reached: `http://HOST:PORT[/ns/NAME]`."""
    return request.root_url.rstrip("/")
