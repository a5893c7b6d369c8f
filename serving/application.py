"""A WSGI app as uvicorn calls it: bodies within limits, the app in few threads, of which nobody who waits holds one."""

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

# Enough that a dozen long questions leave some for short ones. Measured with 32 clients of a small view: 16 threads take no
# more processor time a request than 4 do.
_THREADS = 16
_WITHOUT_BODY = (204, 304)
LARGEST_HEADERS = 32_768
"""Bytes of all header names and values together; nobody who means well sends more."""


class Handler(Protocol):
    """Answers one request on the loop's own thread, which it must never hold up; None leaves the request to the app.

    Of a body larger than `max_body` bytes it is handed one byte more.
    """

    max_body: int

    def __call__(self, body: bytes, /) -> Awaitable[Answer | None]: ...


Direct = Callable[[str, bytes, Headers], Handler | None]
"""Whoever answers a request, given by method, target (path and query as they came) and headers, in the app's place.

It comes before the guard and the namespaces: what it takes it checks itself, see `split_path`.
"""


class Application:
    """The ASGI application around a WSGI app.

    Of a body larger than `max_body` bytes the app is handed one byte more, as soon as that many have arrived. `now_ms`
    gives epoch milliseconds for the header Date. `report` is told, in one line, what the server itself got wrong.
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
        # A thousand that have waited for the same are answered one by one, and hold up nobody else.
        self._after_waiting = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._wakers: set[asyncio.Event] = set()
        self._stopping = False
        self._usual: Headers = []
        self._second = -1

    def stop(self) -> None:
        """Let nobody wait any more: all are answered with what there is. On the loop's thread."""
        self._stopping = True
        for wake in self._wakers:
            wake.set()

    def close(self) -> None:
        """Let the threads come to the end of what they do; what has not begun is dropped."""
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
                if b"wait=" in request.target:
                    # A thousand that come to wait are looked at one after the other too, and not once they have left.
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
            # The app answers its own errors; what comes here is a fault of the server, told without a traceback.
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

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[..., Any], *given: Any) -> Any:
        return await self.loop.run_in_executor(threads, call, *given)

    @contextmanager
    def _waker(self, connection: Connection | None) -> Iterator[asyncio.Event]:
        """What is set when the client leaves and when the server stops."""
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
                        # The app meets the same error when it is asked once more, and has words for it.
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
            await send({"type": "http.response.body", "body": body})

    def headers(self, answer: Answer, status: int, body: bytes) -> Headers:
        """What the server says of every answer, the app's headers, and the body's length.

        Without a body an app may tell the length that it would have: the answer to HEAD.
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
        """The whole answer to what reaches no app; the connection closes behind it."""
        answer = refused(problem)
        headers = [*self.headers(answer, answer.status, answer.body), (b"connection", b"close")]
        phrase = HTTPStatus(answer.status).phrase.encode()
        lines = [b"HTTP/1.1 %d %s" % (answer.status, phrase), *(b"%s: %s" % each for each in headers)]
        return b"\r\n".join([*lines, b"", answer.body])


def refused(problem: Problem) -> Answer:
    """The answer to what reaches no app."""
    body = problem_body(problem.code, problem.message)
    return Answer(problem.status, [(b"content-type", b"application/json")], body)


async def _happens(event: asyncio.Event, seconds: float) -> None:
    """Return when it happens, or after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _read(request: Request, most: int, receive: Receive, connection: Connection) -> bool:
    """Read the body, of a larger one than `most` one byte more; False when it ends too early."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more and size <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        pieces.append(message["body"])
        size, more = size + len(message["body"]), message["more_body"]
    # A client that closes the connection behind its answer sees it only when it is through with its body.
    while more and not connection.cycle.keep_alive and size < connection.limits.drained:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    request.body = b"".join(pieces)[: most + 1]
    return True
