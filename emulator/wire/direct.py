"""`POST /v1/events` on the server's own thread: what comes in one turn of its loop is taken and stored together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from werkzeug.datastructures import EnvironHeaders

from optilocal.emulator.context import Context
from optilocal.emulator.journal.limits import LOOK_S, PATIENCE_S, SLICE
from optilocal.emulator.journal.store import JournalBusyError, JournalError
from optilocal.emulator.problems import journal_problem
from optilocal.emulator.wire.events import PATH, cross_origin_headers, receive
from optilocal.emulator.wire.exchange import Reply, WireRequest, masked_headers, masked_query, take
from optilocal.serving import request as served
from optilocal.serving.clock import monotonic
from optilocal.serving.namespaces import DEFAULT, split_path
from optilocal.serving.wsgi import environ

Headers = tuple[tuple[bytes, bytes], ...]
Turn = asyncio.Future[list[Reply | None]]
"""The replies to the requests that came in one turn of the loop; None for one that the app must have."""


@dataclass(slots=True)
class _Handler:
    """Answers one request: see `serving.application.Handler`."""

    events: "DirectEvents"
    namespace: str
    query: str
    headers: served.Headers
    max_body: int

    async def __call__(self, body: bytes) -> served.Answer | None:
        masked, for_browsers = _headers(tuple(self.headers), len(body))
        reply = await self.events.take(WireRequest(self.namespace, "POST", PATH, self.query, masked, body))
        if reply is None:
            return None
        answer, _, rule = reply
        return served.Answer(
            answer.status,
            [*_encoded(answer.headers), *for_browsers],
            answer.body,
            rule["break"] if rule else None,
            rule["latency_ms"] / 1_000 if rule else 0.0,
        )


class DirectEvents:
    """Called by the server with each request; the same `take` as the view's, without a thread and a view.

    The first request of a namespace is left to the app, which has a say in whether it may come into being.
    """

    def __init__(self, parts: Context) -> None:
        self._parts = parts
        self._requests: list[WireRequest] = []
        self._turn: Turn | None = None
        self._last = 0

    def __call__(self, method: str, target: bytes, headers: served.Headers) -> _Handler | None:
        path, _, query = target.partition(b"?")
        named = split_path(path.decode("latin-1")) if method == "POST" else None
        if named is None or named[1] != PATH:
            return None
        query_text = masked_query(query.decode("latin-1"))
        return _Handler(self, named[0], query_text, headers, self._parts.settings.max_body)

    async def take(self, request: WireRequest) -> Reply | None:
        """What becomes of one request, once it is stored; None for one that the app must have. Raises Problem."""
        if self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = loop.create_future()
            loop.call_soon(self._end_turn)
        turn, place = self._turn, len(self._requests)
        self._requests.append(request)
        reply = await self._reply(turn, place)
        # An answer is held back while more waits for the projector than is kept: whoever sends more waits for it.
        most = self._parts.settings.max_events
        while self._parts.projector.lag(self._last) > most and not self._parts.stopping.is_set():
            await asyncio.sleep(LOOK_S / 100)
        return reply

    async def _reply(self, turn: Turn, place: int) -> Reply | None:
        return (await turn)[place]

    def _end_turn(self) -> None:
        """Take what came in this turn of the loop, and store it in one commit."""
        turn, requests = self._turn, self._requests
        self._turn, self._requests = None, []
        assert turn is not None
        replies: list[Reply | None] | None = None
        try:
            replies = self._taken(requests)
            self._store(turn, replies)
        except JournalBusyError:
            asyncio.get_running_loop().create_task(self._store_later(turn, requests, replies))
        except Exception as error:
            turn.set_exception(as_problem(error))

    def _taken(self, requests: Sequence[WireRequest]) -> list[Reply | None]:
        """What becomes of some requests, in their order, before it is stored."""
        known = {
            space
            for space in {each.namespace for each in requests}
            if space == DEFAULT or self._parts.journal.knows_namespace(space)
        }
        wanted = [each for each in requests if each.namespace in known]
        replies = iter(take(self._parts, wanted, "events", partial(receive, self._parts), patient=False))
        return [next(replies) if each.namespace in known else None for each in requests]

    def _store(self, turn: Turn, replies: list[Reply | None]) -> None:
        records = [reply[1] for reply in replies if reply is not None]
        if records:
            self._last = self._parts.record(records, patient=False)
        turn.set_result(replies)

    async def _store_later(
        self, turn: Turn, requests: Sequence[WireRequest], replies: list[Reply | None] | None
    ) -> None:
        """Take and store what another process keeps from being stored, without holding up the loop."""
        until = monotonic() + PATIENCE_S
        while not turn.done():
            await asyncio.sleep(LOOK_S / 100)
            try:
                replies = self._taken(requests) if replies is None else replies
                self._store(turn, replies)
            except JournalBusyError as error:
                if monotonic() > until:
                    turn.set_exception(as_problem(error))
            except Exception as error:
                turn.set_exception(as_problem(error))


def as_problem(error: Exception) -> Exception:
    return journal_problem(error) if isinstance(error, JournalError) else error


# Clients send the same headers again and again.
@lru_cache(maxsize=SLICE)
def _headers(headers: Headers, length: int) -> tuple[Mapping[str, str], served.Headers]:
    """The headers of a request with a body of so many bytes, named and masked as a view's are; and those that any answer to
    it has for browsers.
    """
    variables = environ(served.Request("POST", PATH.encode(), list(headers)), ("", 0))
    if length:
        variables["CONTENT_LENGTH"] = str(length)
    masked = masked_headers(EnvironHeaders(variables).items())
    return masked, _encoded(cross_origin_headers(masked.get("Origin")))


def _encoded(headers: Mapping[str, str]) -> served.Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
