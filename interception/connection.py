"""One client of the proxy: its first request, then a pipe between it and the server that answers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from typing import TYPE_CHECKING, cast

from optilocal.interception.requests import BadRequest, RequestStream

if TYPE_CHECKING:
    from optilocal.interception.proxy import Proxy

_LONGEST_HEAD = 65_536
_RESET = struct.pack("ii", 1, 0)
_IS_PROXY = "this is a proxy: it takes CONNECT and requests with a whole address"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def refusal(status: str, reason: str) -> bytes:
    """An answer from the proxy itself, after which the connection closes."""
    body = f"optilocal: {reason}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def refuse(transport: asyncio.Transport, status: str, reason: str) -> None:
    """Answer a client from the proxy itself, and close its connection."""
    transport.write(refusal(status, reason))
    transport.close()


class Pipe(asyncio.Protocol):
    """One side of a connection through the proxy: it sends what it reads to the `other` side, no faster than that side
    takes it.
    """

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.transport: asyncio.Transport | None = None
        self.other: Pipe | None = None
        self._pending: list[bytes] = []
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.proxy.sides.add(self)
        pending, self._pending = self._pending, []
        for data in pending:
            self.transport.write(data)
        if self._ended:
            self.transport.close()
        elif self.other is not None:
            self.other.read(True)

    def send(self, data: bytes) -> None:
        """Write to this side, as soon as it is connected."""
        if self.transport is None:
            self._pending.append(data)
        else:
            self.transport.write(data)

    def end(self, *, reset: bool = False) -> None:
        """Close this side after everything is written; with `reset` break the connection at once."""
        self._ended = True
        if self.transport is None:
            return
        if reset:
            raw: socket.socket | None = self.transport.get_extra_info("socket")
            # A connection that is closed has no socket.
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.send(data)

    def eof_received(self) -> bool:
        """Close the other side's writing half; where that is not possible, close the connection."""
        here, there = self.transport, self.other.transport if self.other is not None else None
        if here is None or there is None or not (here.can_write_eof() and there.can_write_eof()):
            return False
        there.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.proxy.sides.discard(self)
        if self.other is not None:
            self.other.end(reset=isinstance(error, ConnectionResetError))

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.read(False)

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.read(True)

    def read(self, go_on: bool) -> None:
        """Resume or pause reading from this side."""
        if self.transport is None or self.transport.is_closing():
            return
        if go_on:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()


class Caught(Pipe):
    """A client of a caught host, whose requests go to the server that imitates the host.

    Without a `host` the client's TLS server name (SNI) decides.
    """

    def __init__(self, proxy: Proxy, host: str | None = None) -> None:
        super().__init__(proxy)
        self.host = host
        self._requests: RequestStream | None = None
        self._asked = self._distrusted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.host is None:
            self.host = self.proxy.host_of(transport.get_extra_info("ssl_object"))
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        assert self.host is not None
        if self._requests is None:
            self._requests = RequestStream(self.proxy.upstream(self.host).prefix, self._seen)
        try:
            out = self._requests.feed(data)
        except BadRequest as error:
            self.send(refusal("400 Bad Request", f"what came for {self.host} is not HTTP/1.1: {error}"))
            self.end()
            return
        if self.other is None:
            # Nothing more is read from the client until the server is connected.
            self.read(False)
            self.other = self.proxy.answering(self, self.host)
        if out:
            self.other.send(out)

    def connection_lost(self, error: Exception | None) -> None:
        if isinstance(error, ssl.SSLError):
            self.broken_off(error)
        super().connection_lost(error)

    def broken_off(self, error: ssl.SSLError) -> None:
        """Count a client that does not trust the certificate. It sends an alert: in TLS 1.2 within the handshake, in
        TLS 1.3 after it.
        """
        if (
            "ALERT" in (error.reason or "")
            and not self._asked
            and not self._distrusted
            and self.host is not None
        ):
            self._distrusted = True
            self.proxy.tally.distrusted[self.host] += 1

    def _seen(self) -> None:
        assert self.host is not None
        self._asked = True
        self.proxy.tally.caught[self.host] += 1


class Plain(Pipe):
    """A client with one request to an `http://` address: to a caught `host`, or to another host, whose side is set."""

    def __init__(
        self,
        proxy: Proxy,
        host: str | None = None,
        *,
        whole: bool = False,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(proxy)
        self._host = host
        prefix = proxy.upstream(host).prefix if host else ""
        self._requests = RequestStream(prefix, self._seen, once=True, whole=whole, headers=headers)
        self._answer: bytes | None = b""

    def send(self, data: bytes) -> None:
        """Write to the client, with `Connection: close` after the first line of the answer: the connection ends after it,
        whatever the server's headers say.
        """
        if self._answer is not None:
            line, end, rest = (self._answer + data).partition(b"\r\n")
            if not end:
                self._answer = line
                return
            self._answer = None
            data = line + b"\r\nConnection: close\r\n" + rest
        super().send(data)

    def end(self, *, reset: bool = False) -> None:
        if self._answer:
            super().send(self._answer)
        super().end(reset=reset)

    def data_received(self, data: bytes) -> None:
        try:
            out = self._requests.feed(data)
        except BadRequest as error:
            self.send(refusal("400 Bad Request", f"the request is not HTTP/1.1: {error}"))
            self.end()
            return
        if self.other is None and self._host is not None:
            self.other = self.proxy.answering(self, self._host)
        if self.other is not None and out:
            self.other.send(out)

    def _seen(self) -> None:
        if self._host is not None:
            self.proxy.tally.caught[self._host] += 1


class Greeting(asyncio.Protocol):
    """The first request of a client of the proxy: a CONNECT, or a request with a whole address."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._proxy.greetings.add(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._proxy.greetings.discard(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            if len(self._head) > _LONGEST_HEAD or not _is_text(self._head[:1]):
                refuse(self._transport, "400 Bad Request", _IS_PROXY)
            return
        # Nothing more is read until the protocol that reads it is set.
        self._transport.pause_reading()
        self._proxy.greetings.discard(self)
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3:
            refuse(self._transport, "400 Bad Request", "the first line is not HTTP")
        elif words[0] == "CONNECT":
            self._proxy.connect(self._transport, words[1], rest)
        elif words[1].lower().startswith("http://"):
            self._proxy.plain(self._transport, words[1], self._head)
        else:
            refuse(self._transport, "400 Bad Request", _IS_PROXY)


def _is_text(first: bytes) -> bool:
    """Whether a method may begin with this byte; a TLS handshake does not."""
    return first.isalpha()
