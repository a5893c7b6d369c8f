"""`POST /v1/events` on the server's own thread: what comes in one turn of its loop is taken and stored together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from werkzeug.datastructures import EnvironHeaders

from optilocal.emulator.context import Context
from optilocal.emulator.journal.interface import JournalBusyError, JournalError
from optilocal.emulator.journal.limits import LOOK_S, PATIENCE_S, SLICE
from optilocal.emulator.journal.records import Exchange
from optilocal.emulator.problems import journal_problem
from optilocal.emulator.wire.events import PATH, Rule, cross_origin_headers, take
from optilocal.emulator.wire.exchange import Answer, Asked, masked_headers, masked_query
from optilocal.serving import request as served
from optilocal.serving.clock import monotonic
from optilocal.serving.namespaces import DEFAULT, split_path
from optilocal.serving.wsgi import environ

Headers = tuple[tuple[bytes, bytes], ...]
Taken = tuple[Answer, Exchange, Rule | None]


@dataclass(slots=True)
class _Handler:
    """Answers one request: see `serving.application.Handler`."""

    events: "DirectEvents"
    namespace: str
    query: str
    headers: served.Headers
    max_body: int

    async def __call__(self, body: bytes) -> served.Answer | None:
        shown = _shown(tuple(self.headers), len(body))
        found = await self.events.take(Asked(self.namespace, "POST", PATH, self.query, shown, body))
        if found is None:
            return None
        told, _, rule = found
        headers = [*told.headers.items(), *cross_origin_headers(shown.get("Origin")).items()]
        return served.Answer(
            told.status,
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            told.body,
            rule["break"] if rule else None,
            rule["latency_ms"] / 1_000 if rule else 0.0,
        )


class DirectEvents:
    """Called by the server with each request; the same `take` as the view's, without a thread and a view.

    The first request of a namespace is left to the app, which has a say in whether it may come into being.
    """

    def __init__(self, parts: Context) -> None:
        self._parts = parts
        self._asked: list[Asked] = []
        self._turn: asyncio.Future[list[Taken | None]] | None = None
        self._last = 0

    def __call__(self, method: str, target: bytes, headers: served.Headers) -> _Handler | None:
        path, _, query = target.partition(b"?")
        named = split_path(path.decode("latin-1")) if method == "POST" else None
        if named is None or named[1] != PATH:
            return None
        shown = masked_query(query.decode("latin-1"))
        return _Handler(self, named[0], shown, headers, self._parts.settings.max_body)

    async def take(self, asked: Asked) -> Taken | None:
        """What becomes of one request, once it is stored; None for one that the app must have. Raises Problem."""
        if self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = loop.create_future()
            loop.call_soon(self._end_turn)
        turn, place = self._turn, len(self._asked)
        self._asked.append(asked)
        found = await self._of(turn, place)
        # An answer is held back while more waits for the projector than is kept: whoever sends more waits for it.
        most = self._parts.settings.max_events
        while self._parts.projector.lag(self._last) > most and not self._parts.stopping.is_set():
            await asyncio.sleep(LOOK_S / 100)
        return found

    async def _of(self, turn: "asyncio.Future[list[Taken | None]]", place: int) -> Taken | None:
        return (await turn)[place]

    def _end_turn(self) -> None:
        """Take what came in this turn of the loop, and store it in one commit."""
        turn, asked = self._turn, self._asked
        self._turn, self._asked = None, []
        assert turn is not None
        found: list[Taken | None] | None = None
        try:
            found = self._taken(asked)
            self._store(turn, found)
        except JournalBusyError:
            asyncio.get_running_loop().create_task(self._store_later(turn, asked, found))
        except Exception as error:
            turn.set_exception(as_problem(error))

    def _taken(self, asked: Sequence[Asked]) -> list[Taken | None]:
        """What becomes of some requests, in their order, before it is stored."""
        known = {
            space
            for space in {each.namespace for each in asked}
            if space == DEFAULT or self._parts.journal.knows_namespace(space)
        }
        taken = iter(take(self._parts, [each for each in asked if each.namespace in known], patient=False))
        return [next(taken) if each.namespace in known else None for each in asked]

    def _store(self, turn: "asyncio.Future[list[Taken | None]]", found: list[Taken | None]) -> None:
        records = [each[1] for each in found if each is not None]
        if records:
            self._last = self._parts.record(records, patient=False)
        turn.set_result(found)

    async def _store_later(
        self,
        turn: "asyncio.Future[list[Taken | None]]",
        asked: Sequence[Asked],
        found: list[Taken | None] | None,
    ) -> None:
        """Take and store what another process keeps from being stored, without holding up the loop."""
        until = monotonic() + PATIENCE_S
        while not turn.done():
            await asyncio.sleep(LOOK_S / 100)
            try:
                found = self._taken(asked) if found is None else found
                self._store(turn, found)
            except JournalBusyError as error:
                if monotonic() > until:
                    turn.set_exception(as_problem(error))
            except Exception as error:
                turn.set_exception(as_problem(error))


def as_problem(error: Exception) -> Exception:
    return journal_problem(error) if isinstance(error, JournalError) else error


# Clients send the same headers again and again.
@lru_cache(maxsize=SLICE)
def _shown(headers: Headers, length: int) -> Mapping[str, str]:
    """The headers of a request with a body of so many bytes, named and masked as a view's are."""
    request = served.Request("POST", PATH.encode(), list(headers))
    made = environ(request, ("", 0))
    if length:
        made["CONTENT_LENGTH"] = str(length)
    return masked_headers(EnvironHeaders(made).items())
