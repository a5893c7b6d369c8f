"""The intercepting proxy: one loop in a thread. It answers as the caught hosts, and tunnels to or refuses other hosts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from optilocal.interception.authority import Authority
from optilocal.interception.connection import ESTABLISHED, Caught, Greeting, Pipe, Plain, refusal, refuse
from optilocal.interception.hosts import HOSTS, InterceptionError, Policy, Upstream, host_name
from optilocal.interception.outer import NO_PROXIES, OuterProxies, OuterProxy
from optilocal.serving.server import BACKLOG, ListenError, listen, reachable_url


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
        self._authority, self._upstreams, self._report = authority, upstreams, report
        self._options = options or ProxyOptions()
        self.tally = Tally()
        self.sides: set[Pipe] = set()
        self.greetings: set[Greeting] = set()
        self.proxy_port = self.tls_port = 0
        self._loop = _new_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._hosts: dict[ssl.SSLContext, str] = {}
        self._tls_to_servers = ssl.create_default_context()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="interception", daemon=True)
        self._listening: list[tuple[socket.socket, bool]] = []

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
                (lambda: Caught(self)) if tls else (lambda: Greeting(self)),
                sock=listener,
                backlog=BACKLOG,
                ssl=self._context_by_name() if tls else None,
            )
            for listener, tls in self._listening
        ]
        await self._stopping.wait()
        for server in servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for side in list(self.sides):
            if side.transport is not None:
                side.transport.abort()
        for greeting in list(self.greetings):
            greeting.close()
        # What was aborted is closed in the loop's next turn.
        await asyncio.sleep(0)

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

    def host_of(self, connection: ssl.SSLObject) -> str:
        """The host of a connection's certificate."""
        return self._hosts[connection.context]

    def upstream(self, host: str) -> Upstream:
        """The server behind a caught host."""
        return self._upstreams[HOSTS[host]]

    def answering(self, client: Pipe, host: str) -> Pipe:
        """The other side of a client of a caught host: a connection to the server that imitates it, being made."""
        upstream = self.upstream(host)
        side = Pipe(self)
        side.other = client
        self._do(self._reach(side, upstream.host, upstream.port, tls=upstream.tls))
        return side

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
                self._do(self._catch(transport, host))
        elif self._may_pass(transport, host):
            self._do(self._tunnel(transport, host, int(digits), rest))

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
            self._hand_over(transport, Plain(self, host=host), received)
            return
        if not self._may_pass(transport, host):
            return
        outer = self._options.outer.towards("http", host)
        client = Plain(self, whole=outer is not None, headers=outer.headers if outer else ())
        client.other = side = Pipe(self)
        side.other = client
        self._hand_over(transport, client, received)
        address = (outer.host, outer.port, outer.tls) if outer else (host, port, False)
        self._do(self._reach(side, *address))

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

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _catch(self, transport: asyncio.Transport, host: str) -> None:
        transport.write(ESTABLISHED)
        client = Caught(self, host)
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
        client, side = Pipe(self), Pipe(self)
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
            await self._loop.create_connection(lambda: side, host, port)
            return ESTABLISHED
        await self._loop.create_connection(
            lambda: side, outer.host, outer.port, ssl=self._tls_to_servers if outer.tls else None
        )
        name = f"[{host}]" if ":" in host else host
        lines = [b"CONNECT %s:%d HTTP/1.1" % (name.encode(), port), b"Host: %s:%d" % (name.encode(), port)]
        lines.extend(b"%s: %s" % header for header in outer.headers)
        side.send(b"\r\n".join(lines) + b"\r\n\r\n")
        return b""

    async def _reach(self, side: Pipe, host: str, port: int, tls: bool) -> None:
        """Connect a side, or answer its client that the host cannot be reached."""
        try:
            await self._loop.create_connection(
                lambda: side, host, port, ssl=self._tls_to_servers if tls else None
            )
        except OSError as error:
            reason = error.strerror or str(error)
            self.tally.unreached[f"{host}:{port}"] = reason
            if side.other is not None:
                side.other.send(refusal("502 Bad Gateway", f"{host}:{port} cannot be reached: {reason}"))
                side.other.end()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
