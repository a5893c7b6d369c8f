"""One client's connection: HTTP/1.1 with keep-alive and pipelining, and the ways to break it."""

import asyncio
import contextlib
import json
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from optilocal.serving.wsgi import Request, answer, written

if TYPE_CHECKING:
    from optilocal.serving.server import Server

_GARBAGE = b"\x16\x03\x00optilocal: no HTTP\x00\xff\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Of head and header names and values: more than any app takes, so that it can say so itself.
_LONGEST_HEAD = 131_072
# So many times what is taken of a body is read and thrown away, so that a client that is still writing sees its answer.
_DRAINED = 16
_PIPELINED = 32
# Seconds in which a client that was refused may finish what it was saying.
_LINGER = 0.5
_HEAD_UNREADABLE = "this is no HTTP request, or its address or headers cannot be read"
_BODY_UNREADABLE = "the body's length or chunks cannot be read"


class Connection(asyncio.Protocol):
    """Reads each request whole, and answers in order. Runs on the loop's thread, but for the app itself."""

    __slots__ = (
        "_body",
        "_busy",
        "_closing",
        "_drained",
        "_ended",
        "_head",
        "_headers",
        "_in_body",
        "_parser",
        "_peer",
        "_queue",
        "_reading",
        "_server",
        "_size",
        "_target",
        "_told_to_go_on",
        "_transport",
        "active",
    )

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport = cast(asyncio.Transport, None)
        self._queue: deque[Request] = deque()
        self._busy = self._closing = self._ended = self._reading = self._in_body = False
        self._told_to_go_on = False
        self._drained = True
        self._peer = ("", 0)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | bytearray = b""
        self._head = self._size = 0
        self.active = 0.0

    # -- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = (peer[0], peer[1]) if isinstance(peer, tuple) else ("", 0)
        self.active = self._server.ticks
        self._server.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._closing = True
        self._queue.clear()
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.active = self._server.ticks
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded to: the request is answered as it stands, and what follows it is not HTTP.
            self._ended = True
        except httptools.HttpParserError:
            self._refuse(400, "bad_request", _BODY_UNREADABLE if self._in_body else _HEAD_UNREADABLE)
        if self._in_body:
            if not self._told_to_go_on:
                self._go_on()
        elif self._reading:
            self._head += len(data)
            if self._head > _LONGEST_HEAD:
                self._refuse(431, "too_large", f"the headers have more than {_LONGEST_HEAD} bytes")

    def eof_received(self) -> bool:
        """A client that has said all it wanted still gets its answer."""
        self._ended = True
        if self._closing:
            return False
        if self._reading and not self._closing:
            self._refuse(400, "bad_request", _BODY_UNREADABLE if self._in_body else _HEAD_UNREADABLE)
        return self._busy

    def pause_writing(self) -> None:
        self._drained = False
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._drained = True
        self._next()

    # -- what the parser finds

    def on_message_begin(self) -> None:
        self._reading = True
        self._in_body = False
        self._target = b""
        self._headers = []
        self._body = b""
        self._head = self._size = 0

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._in_body = True
        self._told_to_go_on = False

    def _go_on(self) -> None:
        """Tell a client that asks before it sends the body to send it."""
        self._told_to_go_on = True
        asks = (
            name.lower() == b"expect" and value.lower() == b"100-continue" for name, value in self._headers
        )
        if any(asks) and not (self._busy or self._closing):
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        most = self._server.max_body + 1
        self._size += len(body)
        if self._size == len(body) <= most:
            self._body = body
        elif len(self._body) < most:
            if not isinstance(self._body, bytearray):
                self._body = bytearray(self._body)
            self._body += body[: most - len(self._body)]
        if self._size > most * _DRAINED:
            self._refuse(413, "too_large", f"a body has at most {self._server.max_body} bytes")

    def on_message_complete(self) -> None:
        self._reading = self._in_body = False
        if self._closing:
            return
        parser = self._parser
        method, version = parser.get_method(), parser.get_http_version()
        keep_alive = parser.should_keep_alive()
        first = not (self._busy or self._queue)
        request = Request(method, self._target, self._headers, self._body, version, keep_alive, self._peer)
        shortcut = self._server.shortcut
        if first and keep_alive and shortcut is not None and version == "1.1":
            said = shortcut(method, self._target, self._headers, self._body)
            if said is not None:
                self._busy = True
                self._server.hold(self, request, said)
                return
        if version not in ("1.1", "1.0"):
            self._refuse(400, "bad_request", "only HTTP/1.0 and HTTP/1.1 are spoken here")
        elif first:
            self._handle(request)
        else:
            self._queue.append(request)
            if len(self._queue) > _PIPELINED:
                self._transport.pause_reading()

    # -- answering

    def release(self, request: Request, said: bytes | None) -> None:
        """Send an answer that was held; without one the app answers."""
        if self._closing:
            return
        if said is None:
            self._handle(request)
            return
        self._busy = False
        self._transport.write(said)
        if self._queue:
            self._next()
        elif self._ended:
            self._finish()

    def _handle(self, request: Request) -> None:
        self._busy = True
        self._server.workers.run(lambda: self._work(request), long=self._server.is_long(request.target))

    def _work(self, request: Request) -> None:
        """In a worker's thread: the app's answer, whatever the app does."""
        server = self._server
        try:
            said = answer(server.app, request, server.address, server.now_ms())
        except ValueError as error:
            request.close = True
            said = self._problem(400, "bad_request", f"the address cannot be read ({error})")
        except Exception as error:
            # The app answers its own errors; what comes here is a fault of the server, told without a traceback.
            request.close = True
            where = f"{request.method.decode('latin-1')} {request.target.decode('latin-1')[:200]}"
            server.report(f"{where}: {type(error).__name__}: {error}")
            said = self._problem(500, "internal_error", "the server failed on this request")
        with contextlib.suppress(RuntimeError):
            # The loop is closed when the server has stopped meanwhile, and nobody is there to be answered.
            server.loop.call_soon_threadsafe(self._answered, request, said)

    def _answered(self, request: Request, said: bytes) -> None:
        self._busy = False
        self.active = self._server.ticks
        if self._closing:
            return
        if request.broken:
            self._break_off(request.broken)
            return
        self._transport.write(said)
        if request.close or not request.keep_alive or (self._ended and not self._queue):
            self._finish()
        else:
            self._next()

    def _next(self) -> None:
        while self._queue and not self._busy and not self._closing and self._drained:
            self._handle(self._queue.popleft())
        if not self._closing and self._drained and len(self._queue) <= _PIPELINED:
            self._transport.resume_reading()

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer what reaches no app; it is always the client's mistake."""
        if self._closing or self._busy:
            self._finish()
            return
        self._closing = True
        self._transport.write(self._problem(status, code, message))
        # A client that is still writing would have its answer torn away by a connection closed at once.
        self._transport.write_eof()
        self._server.loop.call_later(_LINGER, self._transport.close)

    def _problem(self, status: int, code: str, message: str) -> bytes:
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        headers = (("Content-Type", "application/json"),)
        return written(status, headers, body, None, self._server.now_ms())

    def _finish(self) -> None:
        self._closing = True
        self._queue.clear()
        self._transport.close()

    def _break_off(self, how: str) -> None:
        self._closing = True
        if how == "garbage":
            self._transport.write(_GARBAGE)
            self._transport.close()
            return
        if how == "reset":
            # Without lingering, closing sends a reset.
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    # -- from the server

    def close_if_idle(self, since: float) -> None:
        """Hang up on a client that has neither sent anything nor waited for an answer since then."""
        if not self._busy and self.active < since:
            self._finish()

    def leave(self) -> None:
        """Close once the request in hand is answered: at once when there is none."""
        self._queue.clear()
        self._ended = True
        if not self._busy:
            self._finish()

    def hang_up(self) -> None:
        """Close at once."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()
