"""The intercepting proxy: one loop in a thread. It answers as the caught hosts, and tunnels to or refuses other hosts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast
from urllib.parse import urlsplit

from optilocal.interception.authority import Authority
from optilocal.interception.connection import Caught, Network, Pipe, Plain, Tally, refuse
from optilocal.interception.hosts import HOSTS, InterceptionError, Policy, Upstream, host_name
from optilocal.interception.outer import NO_PROXIES, OuterProxies, OuterProxy
from optilocal.serving.server import BACKLOG, ListenError, listen, reachable_url

_LONGEST_HEAD = 65_536
_IS_PROXY = "this is a proxy: it takes CONNECT and requests with a whole address"
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_NAME_UNKNOWN = ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """Port 0 is any free port; without `tls_port` there is no TLS listener, without `proxy_port` no proxy."""

    host: str = "127.0.0.1"
    proxy_port: int | None = 0
    tls_port: int | None = None
    policy: Policy = field(default_factory=Policy)
    outer: OuterProxies = NO_PROXIES


class Proxy:
    """Serves from `start` until `stop`; a context manager. `upstreams` has an Upstream for each server of `HOSTS`.

    `report` is called with one line for each failure that no client sees.
    """

    def __init__(
        self,
        authority: Authority,
        upstreams: Mapping[str, Upstream],
        options: ProxyOptions | None = None,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._authority, self._report = authority, report
        self._options = options or ProxyOptions()
        self.proxy_port = self.tls_port = 0
        self._loop = _new_loop()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._hosts: dict[ssl.SSLContext, str] = {}
        self.network = Network(self._loop, upstreams, self._hosts)
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="interception", daemon=True)
        self._listening: list[tuple[socket.socket, bool]] = []

    @property
    def tally(self) -> Tally:
        """The counts so far."""
        return self.network.tally

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, the value of HTTPS_PROXY."""
        return reachable_url(self._options.host, self.proxy_port)

    def start(self) -> Self:
        """Serve in a thread, which accepts connections when this returns. Raises InterceptionError."""
        for host in HOSTS:
            self._contexts[host] = context = self._authority.context(host)
            self._hosts[context] = host
        options = self._options
        try:
            if options.proxy_port is not None:
                self.proxy_port = self._listen(options.proxy_port, "the proxy", "--proxy", tls=False)
            if options.tls_port is not None:
                self.tls_port = self._listen(options.tls_port, "the listener for TLS", "--tls", tls=True)
        except InterceptionError:
            self._close_listening()
            raise
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection; a second call does nothing."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listen(self, port: int, what: str, option: str, *, tls: bool) -> int:
        try:
            listener = listen(self._options.host, port, what, option)
        except ListenError as error:
            raise InterceptionError(str(error)) from None
        self._listening.append((listener, tls))
        return int(listener.getsockname()[1])

    def _close_listening(self) -> None:
        for listener, _ in self._listening:
            listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._unforeseen)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    def _unforeseen(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError):
            self._report(f"the proxy failed on a connection: {context['message']}: {error!r}")

    async def _serve(self) -> None:
        servers = [
            await self._loop.create_server(
                (lambda: Caught(self.network)) if tls else (lambda: Greeting(self)),
                sock=listener,
                backlog=BACKLOG,
                ssl=self._context_by_name() if tls else None,
            )
            for listener, tls in self._listening
        ]
        await self._stopping.wait()
        for server in servers:
            server.close()
        await self.network.close()

    def _context_by_name(self) -> ssl.SSLContext:
        """A TLS context that is replaced by a host's own when the client has sent a server name (SNI)."""

        def choose(connection: ssl.SSLObject, name: str | None, _given: ssl.SSLContext) -> int | None:
            context = self._contexts.get(host_name(name or ""))
            if context is None:
                self.tally.refused[name or "a client that names no host"] += 1
                return int(_NAME_UNKNOWN)
            connection.context = context
            return None

        by_name = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by_name.set_alpn_protocols(["http/1.1"])
        by_name.sni_callback = choose
        return by_name

    # What follows is called by connections, on the loop's thread.

    def connect(self, transport: asyncio.Transport, target: str, rest: bytes) -> None:
        """Catch a client's CONNECT, refuse it, or open a tunnel. `rest` is what the client has sent after it."""
        name, _, digits = target.rpartition(":")
        host = host_name(name)
        if not host or not digits.isdecimal():
            refuse(transport, "400 Bad Request", f"CONNECT wants host:port, not {target[:200]!r}")
        elif host in HOSTS:
            if rest:
                refuse(
                    transport, "400 Bad Request", "the client sent data before the connection was established"
                )
            else:
                self.network.do(self._catch(transport, host))
        elif self._may_pass(transport, host):
            self.network.do(self._tunnel(transport, host, int(digits), rest))

    def plain(self, transport: asyncio.Transport, target: str, received: bytes) -> None:
        """Handle a client's request to an `http://` address, one for each connection. `received` is all it has sent."""
        try:
            parts = urlsplit(target)
            host, port = host_name(parts.hostname or ""), parts.port or 80
        except ValueError:
            host, port = "", 0
        if not host:
            refuse(transport, "400 Bad Request", f"{target[:200]!r} is not an address")
            return
        if host in HOSTS:
            self._hand_over(transport, Plain(self.network, host=host), received)
            return
        if not self._may_pass(transport, host):
            return
        outer = self._options.outer.towards("http", host)
        client = Plain(self.network, whole=outer is not None, headers=outer.headers if outer else ())
        client.other = side = Pipe(self.network)
        side.other = client
        self._hand_over(transport, client, received)
        host, port, tls = (outer.host, outer.port, outer.tls) if outer else (host, port, False)
        self.network.do(self.network.reach(side, host, port, tls=tls))

    @staticmethod
    def _hand_over(transport: asyncio.Transport, client: Pipe, received: bytes) -> None:
        transport.set_protocol(client)
        client.connection_made(transport)
        client.data_received(received)
        if client.other is not None and not transport.is_closing():
            transport.resume_reading()

    def _may_pass(self, transport: asyncio.Transport, host: str) -> bool:
        if self._options.policy.lets_pass(host):
            self.tally.tunnelled[host] += 1
            return True
        self.tally.refused[host] += 1
        refuse(transport, "403 Forbidden", f"--only refuses other hosts, and {host} is not served here")
        return False

    async def _catch(self, transport: asyncio.Transport, host: str) -> None:
        transport.write(_ESTABLISHED)
        client = Caught(self.network, host)
        try:
            secure = await self._loop.start_tls(transport, client, self._contexts[host], server_side=True)
        except ssl.SSLError as error:
            client.broken_off(error)
            transport.abort()
            return
        except OSError:
            transport.abort()
            return
        if secure is not None:
            client.connection_made(secure)

    async def _tunnel(self, transport: asyncio.Transport, host: str, port: int, rest: bytes) -> None:
        outer = self._options.outer.towards("https", host)
        client, side = Pipe(self.network), Pipe(self.network)
        client.other, side.other = side, client
        try:
            answer = await self._opened(side, outer, host, port)
        except OSError as error:
            self.tally.unreached[host] = reason = error.strerror or str(error)
            refuse(transport, "502 Bad Gateway", f"{host}:{port} cannot be reached: {reason}")
            return
        transport.set_protocol(client)
        client.connection_made(transport)
        # An outer proxy's own answer to CONNECT reaches the client through the tunnel.
        if answer:
            client.send(answer)
        if rest:
            side.send(rest)
        transport.resume_reading()

    async def _opened(self, side: Pipe, outer: OuterProxy | None, host: str, port: int) -> bytes:
        """Connect a side to a host. Returns the answer for the client, empty where an outer proxy answers."""
        if outer is None:
            await self.network.connect(side, host, port)
            return _ESTABLISHED
        await self.network.connect(side, outer.host, outer.port, tls=outer.tls)
        name = f"[{host}]" if ":" in host else host
        lines = [b"CONNECT %s:%d HTTP/1.1" % (name.encode(), port), b"Host: %s:%d" % (name.encode(), port)]
        lines.extend(b"%s: %s" % header for header in outer.headers)
        side.send(b"\r\n".join(lines) + b"\r\n\r\n")
        return b""


class Greeting(asyncio.Protocol):
    """The first request of a client of the proxy: a CONNECT, or a request with a whole address."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._proxy.network.transports.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        assert self._transport is not None
        self._proxy.network.transports.discard(self._transport)

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
        self._proxy.network.transports.discard(self._transport)
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


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
