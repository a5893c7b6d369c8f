"""The parts of a running emulator, as every request handler gets them: settings, clock, journal, verdicts, ids."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import current_app, request

from optilocal.emulator.clock import namespace_time
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.records import Exchange
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts
from optilocal.emulator.settings import Settings
from optilocal.serving.clock import Clock
from optilocal.serving.guard import SAFE_METHODS
from optilocal.serving.log import log
from optilocal.serving.namespaces import DEFAULT
from optilocal.serving.site import current_namespace

Recorder = Callable[[str, Sequence[str]], tuple[str, list[str]]]
"""A namespace and message ids (none: all) → a scenario's YAML, and in a line each what came out otherwise when it was run.
Raises ValueError, one line, where nothing can be recorded.
"""

EXTENSION = "emulator"
CLOCK = "clock"


@dataclass
class Context:
    """One emulator's parts. `new_id` gives a new id of 32 hexadecimal digits. `page_token` is what the viewer's pages name
    when they change something, which no page of anybody else can read. `forwarder` is the base URL of the forwarder that
    the viewer speaks to, None where none is known; `recorder` writes scenarios, None where nothing does.
    """

    settings: Settings
    clock: Clock
    journal: Journal
    verdicts: Verdicts
    projector: Projector
    new_id: Callable[[], str]
    page_token: str
    forwarder: str | None = None
    recorder: Recorder | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def report(self, text: str) -> None:
        """Log one line that somebody should look at."""
        log("emulator", text)

    def report_failure(self, text: str) -> None:
        """Log one line: something that came, or was kept, did not get what it should."""
        log("emulator", text, "error")

    def record(self, exchanges: Sequence[Exchange], *, patient: bool = True) -> int:
        """Store requests durably, before they are answered; the number of the last.

        A request that may change something creates its namespace. A GET does not, and is not stored in a namespace that
        does not exist. Raises JournalError; JournalBusyError when it would have to wait and is not `patient`.
        """
        new = {
            each.namespace
            for each in exchanges
            if each.namespace != DEFAULT and not self.journal.knows_namespace(each.namespace)
        }
        changing = {each.namespace for each in exchanges if each.method not in SAFE_METHODS}
        recorded = [each for each in exchanges if each.namespace not in new - changing]
        for namespace in new & changing:
            self.journal.add_namespace(namespace)
        if not recorded:
            return 0
        last = self.journal.append(recorded, patient=patient)
        self.projector.wake()
        return last

    def now(self, namespace: str) -> int:
        """The namespace's time, epoch milliseconds."""
        return namespace_time(self.clock, self.journal.document(CLOCK, namespace))


def context() -> Context:
    """The parts of the emulator that handles the current request."""
    parts: Context = current_app.extensions[EXTENSION]
    return parts


def namespace() -> str:
    """The namespace of the current request."""
    return current_namespace()


def base_url() -> str:
    """Where the current request's namespace is reached: `http://HOST:PORT[/ns/NAME]`."""
    return request.root_url.rstrip("/")
