"""What every room of a running emulator is handed: settings, clock, journal, judge, ids."""

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import current_app, request

from optilocal.emulator.clock import Clock, namespace_time
from optilocal.emulator.journal.interface import Exchange, Journal
from optilocal.emulator.namespaces import KEY
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts
from optilocal.emulator.settings import Settings

EXTENSION = "emulator"
CLOCK = "clock"


@dataclass(frozen=True)
class Context:
    """One emulator's parts. `new_id` gives a new id of 32 hexadecimal digits."""

    settings: Settings
    clock: Clock
    journal: Journal
    verdicts: Verdicts
    projector: Projector
    new_id: Callable[[], str]
    stopping: threading.Event = field(default_factory=threading.Event)

    def report(self, text: str) -> None:
        """Tell whoever started the emulator what it got wrong, in one line."""
        sys.stderr.write(f"emulator: {text}\n")

    def record(self, exchanges: Sequence[Exchange]) -> None:
        """Store requests durably, before they are answered. Raises JournalError."""
        for namespace in {each.namespace for each in exchanges}:
            if not self.journal.knows_namespace(namespace):
                self.journal.add_namespace(namespace)
        self.journal.append(exchanges)
        self.projector.wake()

    def now(self, namespace: str) -> int:
        """The namespace's time, epoch milliseconds."""
        return namespace_time(self.clock, self.journal.document(CLOCK, namespace))


def context() -> Context:
    """The parts of the emulator that handles the current request."""
    found: Context = current_app.extensions[EXTENSION]
    return found


def namespace() -> str:
    """The namespace of the current request."""
    return str(request.environ[KEY])


def base_url() -> str:
    """Where the current request's namespace is reached: `http://HOST:PORT[/ns/NAME]`."""
    return request.root_url.rstrip("/")
