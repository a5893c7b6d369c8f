"""A server in a thread: uvicorn on a listening socket, started and stopped without delay."""

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from optilocal.serving.application import Application, Direct
from optilocal.serving.connection import Connection, Limits
from optilocal.serving.port_holder import holder_of
from optilocal.serving.request import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BACKLOG = 1_024
# Seconds between two checks for slow clients, and seconds in which clients may read their answers when the server stops.
_LOOK = 5.0
_GRACE = 2.0
_LOOK_AGAIN = 0.005
_TURN = 0.0005


class ListenError(OSError):
    """A server cannot listen; the text is one line that says where, why and what to do."""

    def __str__(self) -> str:
        return str(self.strerror)


class _Loop(uvicorn.Server):
    """uvicorn's server, which stops at once where uvicorn checks every tenth of a second."""

    def __init__(self, config: uvicorn.Config, application: Application, limits: Limits) -> None:
        super().__init__(config)
        self._application, self._limits = application, limits
        self.serving = threading.Event()
        self._stopping: asyncio.Event | None = None

    def stop(self) -> None:
        """Stop the loop, from any thread."""
        self.serving.wait()
        if self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # it has stopped already
                self._application.loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        self._application.loop = loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self.serving.set()
        every = min(_LOOK, self._limits.grace, self._limits.idle)
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await self._stopping.wait()
            for connection in self._connections():
                connection.look(loop.time())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        self._application.stop()
        for connection in self._connections():
            connection.shutdown()
        until = self._application.loop.time() + _GRACE
        while self._connections() and self._application.loop.time() < until:
            await asyncio.sleep(_LOOK_AGAIN)
        for connection in self._connections():
            connection.transport.abort()
        # Aborted connections close in the loop's next turn.
        await asyncio.sleep(0)

    def _connections(self) -> list[Connection]:
        return cast(list[Connection], list(self.server_state.connections))


class Server:
    """Serves a WSGI app from `start` until `stop`. For the parameters see `Application` and `Limits`."""

    def __init__(
        self,
        app: "WSGIApplication",
        listening: socket.socket,
        *,
        name: str,
        max_body: int,
        now_ms: Callable[[], int],
        report: Callable[[str], None],
        direct: Direct | None = None,
        limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
    ) -> None:
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self._application = Application(
            app, self.address, name=name, max_body=max_body, now_ms=now_ms, report=report, direct=direct
        )
        self._direct = direct
        protocol = type("Served", (Connection,), {"limits": limits, "refusal": self._application.refusal})
        config = uvicorn.Config(
            cast(Any, self._application),
            http=protocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            loop="auto",
            backlog=BACKLOG,
            timeout_keep_alive=int(limits.idle) + 1,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            workers=1,
            # Another user of uvicorn in this process keeps its logging configuration.
            log_config=None,
            log_level=None,
        )
        self._loop = _Loop(config, self._application, limits)
        self._thread = threading.Thread(target=self._run, args=(listening,), name=name, daemon=True)

    def _run(self, listening: socket.socket) -> None:
        try:
            self._loop.run([listening])
        finally:
            self._loop.serving.set()

    def start(self) -> None:
        """Serve in a thread, which accepts connections when this returns."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection: idle ones at once, others after their answer or after a limit."""
        self._loop.stop()
        self._thread.join(2 * _GRACE)
        self._application.close()

    def ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer to a request in this process, without the network.

        Raises ConnectionResetError where the connection would be broken.
        """
        host = reachable_url(*self.address).removeprefix("http://")
        encoded = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]
        request = Request(method, target.encode("latin-1"), [(b"host", host.encode()), *encoded], body)
        handler = self._direct(method, request.target, request.headers) if self._direct else None
        self._loop.serving.wait()
        future = asyncio.run_coroutine_threadsafe(
            self._application.answer(request, handler), self._application.loop
        )
        stopped = ConnectionResetError(errno.ECONNRESET, f"{method} {target:.200}: the server stopped")
        while True:
            try:
                answer = future.result(_GRACE)
                break
            except CancelledError:
                raise stopped from None
            except TimeoutError:
                # A server that was stopped meanwhile does not answer.
                if not self._thread.is_alive():
                    raise stopped from None
        if answer is None or answer.breaks:
            raise ConnectionResetError(errno.ECONNRESET, f"{method} {target:.200} was broken off")
        return answer.status, answer.body


def listen(host: str, port: int, server: str = "", option: str = "--port") -> socket.socket:
    """A socket that listens on a host and port; port 0 is any free port.

    Raises ListenError, which begins with what `server` is called, and names the `option` that sets the port.
    """
    listening = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        what = f"{server} cannot listen on {host}".lstrip()
        reason = error.strerror or str(error)
        if isinstance(error, socket.gaierror):
            raise ListenError(error.errno, f"{what}: {reason}") from None
        if error.errno == errno.EADDRINUSE:
            holder = holder_of(port)
            reason = f"the port is taken by {holder}" if holder else "the port is taken"
        advice = f"name another port with {option}, or 0 for any free one"
        raise ListenError(error.errno, f"{what}:{port}: {reason}; {advice}") from None
    return listening


def reachable_url(host: str, port: int) -> str:
    """`http://HOST:PORT` with which a client on this machine reaches a server on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host).strip("[]")
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve_alone() -> None:
    """For a process that only serves: switch threads more often, so that no client waits long."""
    sys.setswitchinterval(_TURN)


def until_signal(ready: Callable[[], None], stop: Callable[[], None]) -> None:
    """Return at SIGINT or SIGTERM, after `stop`; for the main thread of a command.

    `ready` is called after the signal handlers are set.
    """
    signalled = threading.Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        signalled.set()

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ready()
        # On some platforms a signal does not interrupt a wait without a time limit.
        while not signalled.wait(0.5):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop()
