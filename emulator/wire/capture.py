"""`POST /v1/events` at its plainest, answered by the server itself: what is in any way special goes to the plain view.

Both write the same record and give the same answer; this one without the way through the app.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import EnvironHeaders

from optilocal.emulator.batch.parse import is_plain_object
from optilocal.emulator.clock import namespace_time, own_work
from optilocal.emulator.context import CLOCK, Context
from optilocal.emulator.journal.request_log import names, packed
from optilocal.emulator.json_text import dumps
from optilocal.emulator.wire import faults
from optilocal.emulator.wire.captured import PATH
from optilocal.emulator.wire.events import STRICT, cross_origin_headers
from optilocal.emulator.wire.exchange import masked_headers
from optilocal.serving.clock import monotonic
from optilocal.serving.namespaces import split_path
from optilocal.serving.request import Answer, Headers, Request
from optilocal.serving.wsgi import environ

_HEADERS_KEPT = 1_000
_SPACES_KEPT = 1_000
_LARGEST_HEADERS = 32_768
# Seconds after which what other processes have set in the same journal is looked at again.
_RECHECK = 0.05
# Requests waiting to be indexed. With more, answers are held up a little, so that no more come than are indexed: for so
# many seconds, the longer the more there are.
MOST_WAITING = 400_000
_HELD_UP, _HELD_UP_MORE, _LONGEST_HELD_UP = 0.001, 0.01, 0.02


@dataclass(slots=True)
class _Sender:
    """What one client's headers come to: their record, and the answer as of one second."""

    headers: str
    answer: Answer
    named: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class _Space:
    """One namespace: its name, and the setting of its clock."""

    name: str
    clock: Any


@dataclass(slots=True)
class _Request:
    """The handler of one request: see `serving.application.Handler`."""

    capture: "Capture"
    target: bytes
    headers: Headers
    max_body: int

    async def __call__(self, body: bytes) -> Answer | None:
        return await self.capture.take(self.target, self.headers, body)


class Capture:
    """Called on the server's own thread with each request; what it does not take is left to the app.

    What several clients sent at about the same time is written at once.
    """

    def __init__(self, parts: Context) -> None:
        self._parts = parts
        self._most = parts.settings.max_body
        self._spaces: dict[bytes, _Space] = {}
        self._senders: dict[tuple[tuple[bytes, bytes], ...], _Sender | None] = {}
        self._seen: tuple[int, int] = (-1, -1)
        self._look_again = 0.0
        self._records: list[bytes] = []
        self._committed: asyncio.Future[bool] | None = None

    def __call__(self, method: str, target: bytes, headers: Headers) -> _Request | None:
        named = split_path(target.partition(b"?")[0].decode("latin-1")) if method == "POST" else None
        if named is None or named[1] != PATH:
            return None
        return _Request(self, target, headers, self._most)

    async def take(self, target: bytes, headers: Headers, body: bytes) -> Answer | None:
        """The answer once the request is durable; None for one that the app must have."""
        space, sender = self._space(target), self._sender(headers)
        if space is None or sender is None or len(body) > self._most or not is_plain_object(body):
            return None
        system = self._parts.clock
        now = system.now_ms()
        at = now if space.clock is None else namespace_time(system, space.clock)
        named = sender.named.get(space.name)
        if named is None:
            named = sender.named[space.name] = names(space.name, sender.headers)
        self._records.append(packed(at, named, body))
        if self._committed is None:
            loop = asyncio.get_running_loop()
            self._committed = loop.create_future()
            loop.call_soon(self._commit)
        return sender.answer if await self._committed else None

    def _commit(self) -> None:
        """Make durable what was taken in this turn of the loop, before the answers leave."""
        records, self._records = self._records, []
        committed, self._committed = self._committed, None
        assert committed is not None
        self._parts.journal.log.worked = own_work()
        try:
            self._parts.journal.capture(records)
        except OSError:
            committed.set_result(False)
            return
        committed.set_result(True)
        excess = self._parts.journal.log.pending / MOST_WAITING - 1
        if excess > 0:
            # The one thing that may hold this thread up: it lets the interpreter go to whoever indexes.
            self._parts.stopping.wait(min(_HELD_UP + _HELD_UP_MORE * excess, _LONGEST_HELD_UP))

    def _space(self, target: bytes) -> _Space | None:
        now = monotonic()
        if now > self._look_again or self._seen[0] != self._parts.journal.changes:
            seen = (self._parts.journal.changes, self._parts.journal.data_version())
            self._look_again = now + _RECHECK
            if seen != self._seen or len(self._spaces) > _SPACES_KEPT:
                self._seen = seen
                self._spaces.clear()
        known = self._spaces.get(target)
        if known is None:
            known = self._find(target)
            if known is not None:
                self._spaces[target] = known
        return known

    def _find(self, target: bytes) -> _Space | None:
        """The namespace that the target names, unless it is new, has fault rules, or the target is another."""
        named = split_path(target.decode("latin-1"))
        if named is None or named[1] != PATH:
            return None
        name, journal = named[0], self._parts.journal
        if not journal.knows_namespace(name) or journal.document(faults.KIND, name):
            return None
        return _Space(name, journal.document(CLOCK, name))

    def _sender(self, headers: Headers) -> _Sender | None:
        key = tuple(headers)
        try:
            return self._senders[key]
        except KeyError:
            if len(self._senders) >= _HEADERS_KEPT:
                self._senders.clear()
            made = self._senders[key] = self._read(headers)
            return made

    @staticmethod
    def _read(headers: Headers) -> _Sender | None:
        if sum(len(name) + len(value) for name, value in headers) > _LARGEST_HEADERS:
            return None
        request = Request("POST", PATH.encode(), headers, b" ")
        seen = EnvironHeaders(environ(request, ("", 0)))
        length = next((value for name, value in headers if name.lower() == b"content-length"), b"")
        if seen.get("Content-Encoding") or seen.get(STRICT) or not length.isdigit():
            return None
        named = [(n, length.decode() if n == "Content-Length" else v) for n, v in seen.items()]
        cross_origin = cross_origin_headers(seen.get("Origin"))
        answer = Answer(
            204, [(name.encode(), value.encode("latin-1")) for name, value in cross_origin.items()]
        )
        return _Sender(dumps(masked_headers(named)), answer)
