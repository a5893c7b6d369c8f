"""One client's connection: uvicorn's protocol with limits, support for half-closed clients, and ways to break it.

uvicorn does not publish its protocol class: pyproject.toml holds uvicorn to one minor version.
"""

import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from optilocal.serving.problems import Problem

_GARBAGE = b"\x16\x03\x00optilocal: no HTTP\x00\xff\r\n"
# A client's mistakes are answered and not logged.
_SILENT = logging.Logger("optilocal.serving", logging.CRITICAL + 1)
# Seconds in which a refused client may finish its request, so that it reads the answer.
_LINGER = 0.5
# A body in chunks of one byte has five bytes around each.
_AROUND_A_BYTE = 8


@dataclass(frozen=True)
class Limits:
    """The limits of one connection.

    `head`: bytes of a request's head, and of its trailers and chunk extensions. `drained`: bytes of a body that are
    read and dropped after the answer was sent. `idle`: seconds between requests. A request or an answer that takes
    longer than `grace` seconds continues as long as its rate is at least `slowest` bytes a second.
    """

    head: int = 131_072
    drained: int = 512_000_000
    idle: float = 60.0
    grace: float = 20.0
    slowest: int = 240


class Connection(HttpToolsProtocol):
    """Runs on the loop's thread. `left` says whether the client has closed its side; `on_left` is called when it does."""

    limits = Limits()
    refusal: Callable[[Problem], bytes]
    """The bytes of the answer to a request that cannot be parsed or is over a limit."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger, self.access_log = _SILENT, False
        self.left = self.closing = self.reading = self.in_body = False
        self.on_left: Callable[[], None] | None = None
        self._overhead = self._body = self._arrived = 0
        self.written = 0
        """Bytes of answers that were written to the connection."""
        self._taken = 0
        self._cycles: list[RequestResponseCycle] = []
        self._began = self.loop.time()
        self._sending_since: float | None = None
        self._idle_since: float | None = None

    # -- called by the loop

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn tells the last request alone; the ones before it, which are answered first, would wait for ever.
        for cycle in self._cycles:
            cycle.disconnected = True
            cycle.message_event.set()
        self._leave()

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        self._arrived += len(data)
        self._overhead += len(data)
        super().data_received(data)
        if self.reading and self._overhead > self.limits.head + _AROUND_A_BYTE * self._body:
            message = f"the headers, trailers or chunk extensions have more than {self.limits.head} bytes"
            self.refuse(Problem("headers_too_large", message))

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that closes its sending side still gets its answer. Returns whether it waits for one."""
        if self.reading and not self.closing:
            self.send_400_response("")
        self._leave()
        return self.is_busy

    def _leave(self) -> None:
        self.left = self.closing = True
        if self.on_left is not None:
            self.on_left()

    # -- called by the parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["connection"] = self  # type: ignore[typeddict-unknown-key]
        self.reading, self.in_body = True, False
        self._overhead = self._body = self._arrived = 0
        self._began, self._idle_since = self.loop.time(), None

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer, which follows the body, is not a header of the request.
        if not self.in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_body = True
        self.scope["target"] = self.url  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()
        self._cycles = [cycle for cycle in self._cycles if not cycle.response_complete]
        self._cycles.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        self._overhead -= len(body)
        super().on_body(body)
        if self.cycle.response_complete and self._body > self.limits.drained:
            self.transport.abort()

    def on_message_complete(self) -> None:
        self.reading = self.in_body = False
        super().on_message_complete()

    # -- answering

    @property
    def is_busy(self) -> bool:
        """Whether a request has not been answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def on_response_complete(self) -> None:
        last = not self.pipeline
        super().on_response_complete()
        if last and self.closing:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own text
        where = "its body's length or chunks" if self.in_body else "its address or headers"
        self.refuse(Problem("bad_request", f"this is not an HTTP request: {where} cannot be read"))

    def refuse(self, problem: Problem) -> None:
        """Answer a request that does not reach the app, and close the connection. Earlier requests are answered first,
        and then this one is not.
        """
        self.closing = True
        if self.in_body and self.pipeline:
            self.pipeline.popleft()
        elif self.in_body and self.is_busy:
            # The app waits for the rest of this request.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.pipeline or (self.is_busy and not self.cycle.disconnected):
            return
        self.transport.write(self.refusal(problem))
        # If the connection were closed at once, a client that is still writing would lose the answer.
        self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.close)

    def break_off(self, how: str) -> None:
        """Break the connection instead of answering: `reset`, `hang_up` or `garbage`."""
        if how == "garbage":
            self.transport.write(_GARBAGE)
            self.transport.close()
            return
        if how == "reset":
            # Without lingering, closing sends a reset.
            raw: socket.socket = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    # -- clients that are slow or silent

    def look(self, now: float) -> None:
        """Called every few seconds: end the connection of a client that is idle, or that sends or reads too slowly."""
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            taken = self.written - unsent
            if self._sending_since is None or taken < self._taken:
                self._sending_since, self._taken = now, taken
            elif self._too_slow(now - self._sending_since, taken - self._taken):
                # Without the reset the system would keep the unsent bytes for minutes.
                self.break_off("reset")
            return
        self._sending_since = None
        if self.reading and not self.closing:
            if self.flow.read_paused:
                # Reading is paused, so it is not the client that is slow.
                self._began, self._arrived = now, 0
            elif self._too_slow(now - self._began, self._arrived):
                message = f"this request came with less than {self.limits.slowest} bytes a second"
                self.refuse(Problem("too_slow", message))
        elif not self.is_busy:
            if self._idle_since is None:
                self._idle_since = now
            elif now - self._idle_since > self.limits.idle:
                self.transport.close()

    def _too_slow(self, seconds: float, size: int) -> bool:
        return seconds > self.limits.grace and size < self.limits.slowest * (seconds - self.limits.grace)
