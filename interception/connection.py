"""Connections through the proxy: a pipe between a client and the server that answers, its requests rewritten on the way."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from optilocal.interception.hosts import HOSTS, Upstream
from optilocal.interception.requests import BadRequest, RequestStream

_RESET = struct.pack("ii", 1, 0)


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


@dataclass(slots=True)
class Tally:
    """Counts of connections and requests by host. The proxy's thread alone writes them, as long as the proxy runs."""

    caught: Counter[str] = field(default_factory=Counter)
    """Requests to caught hosts."""
    tunnelled: Counter[str] = field(default_factory=Counter)
    """Connections to other hosts that were let through."""
    refused: Counter[str] = field(default_factory=Counter)
    """Connections to other hosts that were refused."""
    unreached: dict[str, str] = field(default_factory=dict)
    """Hosts and servers that could not be reached → why."""
    distrusted: Counter[str] = field(default_factory=Counter)
    """Connections to caught hosts whose client did not accept the certificate."""


class Network:
    """What the connections of one proxy share. All of it happens on the loop's thread.

    `upstreams` has an Upstream for each server of `HOSTS`, `hosts` the host that each TLS context answers as.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        upstreams: Mapping[str, Upstream],
        hosts: Mapping[ssl.SSLContext, str],
    ) -> None:
        self._loop, self._upstreams, self.hosts = loop, upstreams, hosts
        self.tally = Tally()
        self.transports: set[asyncio.Transport] = set()
        """The connections that are open."""
        self._tls = ssl.create_default_context()
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, what: Coroutine[Any, Any, None]) -> None:
        """Run something until it is done or the proxy stops."""
        task = self._loop.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End everything that is being done, and break off every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in list(self.transports):
            transport.abort()
        # What was aborted is closed in the loop's next turn.
        await asyncio.sleep(0)

    def upstream(self, host: str) -> Upstream:
        """The server behind a caught host."""
        return self._upstreams[HOSTS[host]]

    def answering(self, client: Pipe, host: str) -> Pipe:
        """The other side of a client of a caught host: a connection to the server that imitates it, being made."""
        upstream = self.upstream(host)
        side = Pipe(self)
        side.other = client
        self.do(self.reach(side, upstream.host, upstream.port, tls=upstream.tls))
        return side

    async def connect(self, side: Pipe, host: str, port: int, *, tls: bool = False) -> None:
        """Connect a side. Raises OSError."""
        await self._loop.create_connection(lambda: side, host, port, ssl=self._tls if tls else None)

    async def reach(self, side: Pipe, host: str, port: int, *, tls: bool) -> None:
        """Connect a side, or answer its client that the host cannot be reached."""
        try:
            await self.connect(side, host, port, tls=tls)
        except OSError as error:
            reason = error.strerror or str(error)
            self.tally.unreached[f"{host}:{port}"] = reason
            if side.other is not None:
                side.other.send(refusal("502 Bad Gateway", f"{host}:{port} cannot be reached: {reason}"))
                side.other.end()


class Pipe(asyncio.Protocol):
    """One side of a connection through the proxy: it sends what it reads to the `other` side, no faster than that side
    takes it.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.transport: asyncio.Transport | None = None
        self.other: Pipe | None = None
        self._pending: list[bytes] = []
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.network.transports.add(self.transport)
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
        if self.transport is not None:
            self.network.transports.discard(self.transport)
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

    def __init__(self, network: Network, host: str | None = None) -> None:
        super().__init__(network)
        self.host = host
        self._requests: RequestStream | None = None
        self._asked = self._distrusted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.host is None:
            self.host = self.network.hosts[transport.get_extra_info("ssl_object").context]
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        assert self.host is not None
        if self._requests is None:
            self._requests = RequestStream(self.network.upstream(self.host).prefix, self._seen)
        try:
            out = self._requests.feed(data)
        except BadRequest as error:
            self.send(refusal("400 Bad Request", f"what came for {self.host} is not HTTP/1.1: {error}"))
            self.end()
            return
        if self.other is None:
            # Nothing more is read from the client until the server is connected.
            self.read(False)
            self.other = self.network.answering(self, self.host)
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
            self.network.tally.distrusted[self.host] += 1

    def _seen(self) -> None:
        assert self.host is not None
        self._asked = True
        self.network.tally.caught[self.host] += 1


class Plain(Pipe):
    """A client with one request to an `http://` address: to a caught `host`, or to another host, whose side is set."""

    def __init__(
        self,
        network: Network,
        host: str | None = None,
        *,
        whole: bool = False,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(network)
        self._host = host
        prefix = network.upstream(host).prefix if host else ""
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
            self.other = self.network.answering(self, self._host)
        if self.other is not None and out:
            self.other.send(out)

    def _seen(self) -> None:
        if self._host is not None:
            self.network.tally.caught[self._host] += 1
