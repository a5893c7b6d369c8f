"""Requests to the Event API on their way into the journal: durable in a log at once, indexed soon or when asked for."""

import contextlib
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.journal.bells import Bells
from optilocal.emulator.journal.documents import Documents
from optilocal.emulator.journal.file import JournalError
from optilocal.emulator.journal.request_log import (
    Captured,
    Kind,
    RequestLog,
    leftovers,
    names,
    packed,
    records_from,
)
from optilocal.emulator.json_text import dumps
from optilocal.emulator.projection.indexing import Request, Transaction
from optilocal.emulator.wire.captured import as_request
from optilocal.serving.clock import random_id

# Captured requests indexed in one transaction, and how many are soon done.
BATCH, LITTLE = 256, 64
_PLACE = "log"


class Intake(Documents):
    """The part of the journal that takes requests in faster than they are indexed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bells = Bells()
        self.lock = threading.RLock()
        self.log = RequestLog(path, random_id()[:8])

    @abstractmethod
    def write(
        self, requests: Sequence[Request], also: Callable[[Transaction], None] | None = None
    ) -> list[int]:
        """Write requests, and what belongs to them, in one transaction; their numbers."""

    def capture(self, records: Sequence[bytes]) -> None:
        """Take in requests, `packed`: durable when this returns. Raises OSError when they cannot be."""
        self.log.append(b"".join(records), len(records))
        self.bells.ring_captured()

    @abstractmethod
    def knows_namespace(self, name: str) -> bool:
        """Whether the namespace has come into being."""

    @abstractmethod
    def append(
        self, namespace: str, exchange: Mapping[str, Any], body: bytes, rows: Sequence[EventRow] = ()
    ) -> int:
        """Store one request and what was read in it at once; its number."""

    def record(
        self, namespace: str, exchange: Mapping[str, Any], body: bytes, rows: Sequence[EventRow]
    ) -> None:
        """Take in one request as a whole, with what was read in its body; the first of a namespace is stored at once.

        `exchange` is the architecture's record without number, namespace and body. Raises JournalError.
        """
        if not self.knows_namespace(namespace):
            self.append(namespace, exchange, body, rows)
            return
        kind = Kind.COUNTING if rows else Kind.WHOLE
        try:
            self.capture([packed(exchange["at"], names(namespace, dumps(exchange), kind), body)])
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> JournalError:
        return JournalError(f"the requests beside the journal {self.path} failed: {error.strerror or error}")

    def catch_up(self) -> None:
        """Index what was captured before this was called. Raises JournalError."""
        if self.log.pending:
            until = self.log.written
            while self.log.taken < until and self.index_some(BATCH):
                pass

    def index_little(self) -> None:
        """Index what waits when that takes no time; much would hold up whoever stores something."""
        if 0 < self.log.pending <= LITTLE:
            self.index_some(LITTLE)

    def index_some(self, most: int = BATCH) -> int:
        """Index at most so many captured requests; how many there were. Raises JournalError."""
        if not self.log.pending:
            return 0
        with self.lock:
            try:
                found = self.log.next(most)
            except OSError as error:
                raise self._failed(error) from None
            if found is None:
                return 0
            captured, end = found
            self._store(captured, end.segment, end.offset)
            self._drop(self.log.done(len(captured), end))
            return len(captured)

    def _store(self, captured: Iterable[Captured], segment: str, end: int) -> None:
        def note_place(run: Transaction) -> None:
            run("put document", kind=_PLACE, namespace="", id=segment, doc=dumps(end))

        self.write([as_request(each) for each in captured], note_place)

    def take_up(self) -> None:
        """Index what emulators that were killed had captured and not indexed."""
        names = []
        for path in leftovers(self.path):
            names.append(path.name)
            rest = records_from(path, self.document(_PLACE, "", path.name) or 0)
            while some := list(islice(rest, BATCH)):
                self._store((captured for captured, _ in some), path.name, some[-1][1])
        self._drop(names)

    def forget_log(self) -> None:
        """Leave nothing of what is indexed behind in the log, not even overwritten names of files."""
        self._drop(self.log.forget())

    def close_log(self) -> None:
        """Index what is left; what cannot be indexed now stays in the log, for the next emulator."""
        with contextlib.suppress(JournalError):
            self.catch_up()
            self.forget_log()
        self.log.close()

    def _drop(self, names: Iterable[str | None]) -> None:
        for name in names:
            if name is not None:
                with self.transaction() as run:
                    run("delete documents", kind=_PLACE, namespace="", id=name)
