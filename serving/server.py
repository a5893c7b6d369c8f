"""A WSGI app served over HTTP/1.1 on a socket that is already listening, by a loop in a thread of its own."""

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from optilocal.serving.connection import Connection
from optilocal.serving.workers import Workers
from optilocal.serving.wsgi import Request, asked

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BACKLOG = 1_024
_TICK = 5.0
_GRACE = 2.0
_LOOK_AGAIN = 0.005
_TURN = 0.0005


class Shortcut(Protocol):
    """What answers some requests on the loop's own thread, which it must never keep waiting."""

    def __call__(
        self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes | bytearray, /
    ) -> bytes | None:
        """The whole answer to a request of HTTP/1.1 whose connection stays open, or None: the app has it."""
        ...

    def commit(self) -> bool:
        """Called once for all that was answered in one turn of the loop, before the answers leave.

        After False none of them is sent: the app has those requests.
        """
        ...


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class Server:
    """Serves from `start` until `stop`.

    `max_body` bytes of a body are taken; of a longer one the app is handed one byte more. `now_ms` gives epoch
    milliseconds for the header Date. `report` is told, in one line, what the server itself got wrong. `is_long` tells by
    its target which request may take long.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        listening: socket.socket,
        *,
        name: str,
        max_body: int,
        idle_s: float,
        now_ms: Callable[[], int],
        report: Callable[[str], None],
        shortcut: Shortcut | None = None,
        is_long: Callable[[bytes], bool] = lambda _target: False,
    ) -> None:
        self.app, self.max_body, self.now_ms, self.report = app, max_body, now_ms, report
        self.shortcut, self.is_long = shortcut, is_long
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self.connections: set[Connection] = set()
        self._held: list[tuple[Connection, Request, bytes]] = []
        self.workers = Workers(name)
        self.loop = _new_loop()
        self.ticks = 0.0
        self._idle = idle_s
        self._listening = listening
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Serve in a thread; whoever connects after this returns is answered."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up on every client, at once on idle ones, on the others when they are answered or have waited enough."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(2 * _GRACE)
        self.workers.stop()

    def ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the app's answer, asked in this process and on the caller's thread, without the network.

        Raises ConnectionResetError where the app breaks the connection instead of answering.
        """
        host = reachable_url(*self.address).removeprefix("http://")
        given = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        request = Request(
            method.encode("latin-1"),
            target.encode("latin-1"),
            [(b"Host", host.encode()), *given],
            body,
            "1.1",
            True,
        )
        status, _, said = asked(self.app, request, self.address)
        if request.broken:
            raise ConnectionResetError(errno.ECONNRESET, f"{method} {target:.200} was broken off")
        return status, said

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self.loop.close()

    def hold(self, connection: Connection, request: Request, said: bytes) -> None:
        """Send an answer of the shortcut at the end of this turn of the loop, once it is committed."""
        if not self._held:
            self.loop.call_soon(self._commit)
        self._held.append((connection, request, said))

    def _commit(self) -> None:
        held, self._held = self._held, []
        fine = self.shortcut is not None and self.shortcut.commit()
        for connection, request, said in held:
            connection.release(request, said if fine else None)

    async def _serve(self) -> None:
        made = await self.loop.create_server(lambda: Connection(self), sock=self._listening, backlog=BACKLOG)
        clock = self.loop.create_task(self._tick())
        try:
            await self._stopping.wait()
        finally:
            clock.cancel()
            made.close()
            for connection in list(self.connections):
                connection.leave()
            until = self.loop.time() + _GRACE
            while self.connections and self.loop.time() < until:
                await asyncio.sleep(_LOOK_AGAIN)
            for connection in list(self.connections):
                connection.hang_up()
            # What was aborted is closed in the loop's next turn.
            await asyncio.sleep(0)

    async def _tick(self) -> None:
        while True:
            self.ticks = self.loop.time()
            for connection in list(self.connections):
                connection.close_if_idle(self.ticks - self._idle)
            await asyncio.sleep(_TICK)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, port 0 meaning any free one. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def why_not(error: OSError) -> str:
    """Why nothing can listen there, and what to do."""
    reason = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
    return f"{reason}; name another port, or 0 for any free one"


def reachable_url(host: str, port: int) -> str:
    """`http://HOST:PORT` as a client on this machine reaches what listens on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host).strip("[]")
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve_alone() -> None:
    """For a process that only serves: its threads give way to each other sooner, and no client waits long."""
    sys.setswitchinterval(_TURN)


def until_signal(ready: Callable[[], None], stop: Callable[[], None]) -> None:
    """Return at SIGINT or SIGTERM, after `stop`; for the main thread of a command.

    `ready` is called when a signal would be heeded.
    """
    asked = threading.Event()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ready()
        # A wait without end would not be interrupted by a signal on every platform.
        while not asked.wait(0.5):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop()
