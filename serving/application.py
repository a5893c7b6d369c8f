"""The ASGI application around a WSGI app: limits for bodies, a few threads for the app, and none for waiting requests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from optilocal.serving.connection import Connection
from optilocal.serving.problems import Problem, problem_body
from optilocal.serving.request import Answer, Headers, Request, Wait
from optilocal.serving.wsgi import ask

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# A dozen slow requests leave threads for short ones. Measured with 32 clients of a small view: 16 threads take no more
# processor time for a request than 4 do.
_THREADS = 16
_PIECE = 262_144
_WITHOUT_BODY = (204, 304)
LARGEST_HEADERS = 32_768
"""The most bytes of all header names and values together."""


class Handler(Protocol):
    """Answers one request on the loop's thread, which it must not block; None leaves the request to the app.

    For a body larger than `max_body` bytes it gets `max_body` + 1 bytes.
    """

    max_body: int

    def __call__(self, body: bytes, /) -> Awaitable[Answer | None]: ...


Direct = Callable[[str, bytes, Headers], Handler | None]
"""Method, target (path and query as received) and headers → the handler that answers in place of the app, or None.

It runs before the guard and the namespaces, so the handler does their checks itself, see `split_path`.
"""


class Application:
    """The ASGI application around a WSGI app.

    For a body larger than `max_body` bytes the app gets `max_body` + 1 bytes, as soon as they have arrived. `now_ms`
    returns epoch milliseconds for the header Date. `report` is called with one line for each failure of the server
    itself.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        address: tuple[str, int],
        *,
        name: str,
        max_body: int,
        now_ms: Callable[[], int],
        report: Callable[[str], None],
        direct: Direct | None = None,
    ) -> None:
        self.loop: asyncio.AbstractEventLoop
        self._app, self._address, self._max_body, self._direct = app, address, max_body, direct
        self._now_ms, self._report = now_ms, report
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=name)
        # Requests that have waited are answered by one thread, so that a thousand of them do not block others.
        self._after_waiting = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._wakers: set[asyncio.Event] = set()
        self._stopping = False
        self._usual: Headers = []
        self._second = -1

    def stop(self) -> None:
        """End every wait: the requests are answered with the rows there are. On the loop's thread."""
        self._stopping = True
        for wake in self._wakers:
            wake.set()

    def close(self) -> None:
        """Let the threads finish their current calls, and drop the others."""
        for threads in (self._threads, self._after_waiting):
            threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        connection: Connection = scope["connection"]
        method, target, headers, version = (
            scope[name] for name in ("method", "target", "headers", "http_version")
        )
        request = Request(method, target, headers, b"", version, scope["client"] or ("", 0))
        answer: Answer | None
        if version not in ("1.0", "1.1"):
            answer = refused(Problem("bad_request", "only HTTP/1.0 and HTTP/1.1 are spoken here"))
        elif sum(len(name) + len(value) for name, value in headers) > LARGEST_HEADERS:
            answer = refused(Problem("too_large", f"the headers have more than {LARGEST_HEADERS} bytes"))
        else:
            handler = self._direct(method, target, headers) if self._direct else None
            most = self._max_body if handler is None else handler.max_body
            if not await _read(request, most, receive, connection):
                return
            answer = await self.answer(request, handler, connection)
        if answer is None:
            connection.transport.close()
        elif answer.breaks and answer.breaks != "truncate":
            connection.break_off(answer.breaks)
        else:
            await self._send(answer, send, connection)
            return
        while (await receive())["type"] != "http.disconnect":
            pass

    async def answer(
        self, request: Request, handler: Handler | None = None, connection: Connection | None = None
    ) -> Answer | None:
        """The answer to a request that was read whole; None when the client has left while it waited."""
        try:
            answer = None if handler is None else await handler(request.body)
            if answer is None:
                if request.method == "GET" and b"wait=" in request.target:
                    # Requests that may wait run in one thread too, and not after their client has left.
                    answer = await self._in(self._after_waiting, self._ask_for, connection, request)
                    if answer is None:
                        return None
                else:
                    answer = await self._in(self._threads, ask, self._app, request, self._address)
            until: float | None = None
            while request.wait is not None:
                wait, request.wait = request.wait, None
                until = self.loop.time() + wait.seconds if until is None else until
                if not await self._wait(wait, until, connection):
                    return None
                request.waited = True
                request.time_left = 0.0 if self._stopping else max(0.0, until - self.loop.time())
                answer = await self._in(self._after_waiting, ask, self._app, request, self._address)
        except Problem as error:
            return refused(error)
        except Exception as error:
            # The app answers its own errors, so this is a fault of the server; it is reported without a traceback.
            where = f"{request.method} {request.target.decode('latin-1'):.200}"
            self._report(f"{where}: {type(error).__name__}: {error}")
            return refused(Problem("internal_error", "the server failed on this request"))
        if answer.delay:
            with self._waker(connection) as wake:
                await _happens(wake, answer.delay)
        return answer

    def _ask_for(self, connection: Connection | None, request: Request) -> Answer | None:
        if connection is not None and connection.left:
            return None
        return ask(self._app, request, self._address)

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[..., Any], *arguments: Any) -> Any:
        return await self.loop.run_in_executor(threads, call, *arguments)

    @contextmanager
    def _waker(self, connection: Connection | None) -> Iterator[asyncio.Event]:
        """An event that is set when the client leaves and when the server stops."""
        wake = asyncio.Event()
        self._wakers.add(wake)
        if connection is not None:
            connection.on_left = wake.set
        if self._stopping or (connection is not None and connection.left):
            wake.set()
        try:
            yield wake
        finally:
            self._wakers.discard(wake)
            if connection is not None:
                connection.on_left = None

    async def _wait(self, wait: Wait, until: float, connection: Connection | None) -> bool:
        """Return when there is enough, at a time of the loop or when the server stops; False when the client has left."""
        with self._waker(connection) as wake:

            def news() -> None:
                if not wake.is_set():
                    with suppress(RuntimeError):  # the server has stopped
                        self.loop.call_soon_threadsafe(wake.set)

            unsubscribe = wait.subscribe(news)
            try:
                while True:
                    wake.clear()
                    left = until - self.loop.time()
                    if connection is not None and connection.left:
                        return False
                    try:
                        again = await self._in(self._after_waiting, wait.check)
                    except Exception:
                        # The app meets the same error when it is called again, and answers it.
                        return True
                    if again is None or left <= 0 or self._stopping:
                        return True
                    await _happens(wake, min(left, again))
            finally:
                unsubscribe()

    async def _send(self, answer: Answer, send: Send, connection: Connection) -> None:
        status, body = answer.status, answer.body
        if answer.breaks:
            status, body = 200 if status in _WITHOUT_BODY else status, body or b'{"truncated": true}'
        elif status in _WITHOUT_BODY:
            body = b""
        headers = self.headers(answer, status, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if answer.breaks:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            connection.transport.close()
        else:
            # In pieces, each when the client has taken most of those before: nobody's answer is kept twice.
            for at in range(0, len(body) or 1, _PIECE):
                piece, more = body[at : at + _PIECE], at + _PIECE < len(body)
                connection.written += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": more})
                if connection.transport.is_closing():
                    break

    def headers(self, answer: Answer, status: int, body: bytes) -> Headers:
        """The server's headers, the app's headers, and the body's length.

        For an answer without a body the app may set the length, as for HEAD.
        """
        now = self._now_ms()
        if self._second != now // 1_000:
            self._second = now // 1_000
            date = formatdate(now / 1_000, usegmt=True).encode()
            self._usual = [
                (b"server", b"optilocal"),
                (b"date", date),
                (b"x-content-type-options", b"nosniff"),
            ]
        headers, length, shared = [*self._usual], b"%d" % len(body), False
        for name, value in answer.headers:
            known = name.lower()
            shared = shared or known == b"cross-origin-resource-policy"
            if known != b"content-length":
                headers.append((name, value))
            elif not body:
                length = value
        if not shared:
            headers.append((b"cross-origin-resource-policy", b"same-origin"))
        if status not in _WITHOUT_BODY:
            headers.append((b"content-length", length))
        return headers

    def refusal(self, problem: Problem) -> bytes:
        """The bytes of the answer to a request that does not reach the app; the connection closes after it."""
        answer = refused(problem)
        headers = [*self.headers(answer, answer.status, answer.body), (b"connection", b"close")]
        phrase = HTTPStatus(answer.status).phrase.encode()
        lines = [b"HTTP/1.1 %d %s" % (answer.status, phrase), *(b"%s: %s" % each for each in headers)]
        return b"\r\n".join([*lines, b"", answer.body])


def refused(problem: Problem) -> Answer:
    """The answer to a request that does not reach the app."""
    body = problem_body(problem.code, problem.message)
    named = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    return Answer(problem.status, [(b"content-type", b"application/json"), *named], body)


async def _happens(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, or after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _read(request: Request, most: int, receive: Receive, connection: Connection) -> bool:
    """Read the body, at most `most` + 1 bytes; False when the client leaves before its end."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more and size <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        pieces.append(message["body"])
        size, more = size + len(message["body"]), message["more_body"]
    # A client that closes the connection after its answer reads it only after it has sent its whole body.
    while more and not connection.cycle.keep_alive and size < connection.limits.drained:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    request.body = b"".join(pieces)[: most + 1]
    return True
