"""One emulator that serves: in a thread of this process for tests and the sandbox, or until a signal for the command."""

import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from werkzeug.serving import ThreadedWSGIServer

from emulator.app import create_app
from emulator.clock import Clock, SystemClock
from emulator.connection import Connection
from emulator.context import EXTENSION, Context
from emulator.datafile_source import DatafileSources
from emulator.journal import Journal
from emulator.judging import Judging
from emulator.settings import Settings

_BACKLOG = 1_024
_POLL = 0.05
_GRACE = 2.0


class ServerError(OSError):
    """The emulator cannot serve; the text is one line that says what, where and what to do."""

    def __str__(self) -> str:
        return str(self.strerror)


class _Server(ThreadedWSGIServer):
    """Werkzeug's threaded server that knows its open connections, so that stopping need not wait for their clients."""

    request_queue_size = _BACKLOG
    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._open: dict[socket.socket, threading.Thread] = {}
        self._opening = threading.Lock()
        super().__init__(*arguments, **named)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._opening:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        with self._opening:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended badly is the client's affair."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Only what the server itself got wrong is worth a line."""
        if type == "error":
            sys.stderr.write(f"emulator: {message % args if args else message}\n")

    def log_startup(self) -> None:
        """The command announces itself."""

    def close_connections(self) -> None:
        """Hang up on every client, idle ones included, and see their threads off."""
        with self._opening:
            still = list(self._open.items())
        for connection, _ in still:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        for _, thread in still:
            if thread is not threading.current_thread():
                thread.join(_GRACE / max(len(still), 1) + 0.05)


class EmulatorServer:
    """An emulator on an address of its own; a context manager. Port 0 takes any free port.

    Raises JournalError for a journal that cannot be used, ServerError for an address that is taken, and DatafileError
    for a datafile that is none; each is one line.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.port = settings.port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._context: Context | None = None
        self._sources: DatafileSources | None = None
        self._judging: Judging | None = None

    @property
    def base_url(self) -> str:
        """`http://HOST:PORT`, as a client on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.settings.host, self.settings.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    def start(self) -> "EmulatorServer":
        """Serve in a thread; whoever connects after this returns is answered."""
        if self._server is not None:
            return self
        listening = self._listen()
        try:
            journal = Journal(self.settings.journal, max_rows=self.settings.max_events)
        except BaseException:
            listening.close()
            raise
        try:
            app = create_app(self.settings, self.clock, journal)
            self._context = app.extensions[EXTENSION]
            self._sources = DatafileSources(self._context, self.settings.datafiles)
            self._sources.load()
            handler = type("_Connection", (Connection,), {"max_body": self.settings.max_control_body})
            self._server = _Server(self.settings.host, self.port, app, handler, fd=listening.fileno())
        except BaseException:
            journal.close()
            listening.close()
            raise
        # The server works on a duplicate of the descriptor.
        listening.close()
        self._sources.watch()
        self._judging = Judging(self._context.judge, self._context.report)
        self._judging.start()
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": _POLL},
            name=f"emulator-{self.port}",
            daemon=True,
        )
        self._thread.start()
        return self

    def _listen(self) -> socket.socket:
        host, port = self.settings.host, self.settings.port
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listening = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise ServerError(
                error.errno, f"the emulator cannot listen on {host}: {error.strerror}"
            ) from None
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            reason = "the port is taken" if error.errno == errno.EADDRINUSE else str(error.strerror)
            advice = f"{reason}; name another port, or 0 for any free one"
            raise ServerError(error.errno, f"the emulator cannot listen on {host}:{port}: {advice}") from None
        self.port = listening.getsockname()[1]
        return listening

    def stop(self) -> None:
        """Stop serving, let waiting clients go, close the journal; at once, and as often as one likes."""
        server, thread, parts = self._server, self._thread, self._context
        self._server = self._thread = None
        if server is None or parts is None:
            return
        parts.stopping.set()
        if self._sources:
            self._sources.stop()
        if self._judging:
            self._judging.stop()
        server.shutdown()
        if thread:
            thread.join(_GRACE)
        parts.journal.release()
        server.close_connections()
        server.server_close()
        parts.journal.close()

    def serve_forever(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGINT or SIGTERM; for the main thread of a command. Starts when it was not started.

        `ready` is called when it serves and a signal would be heeded.
        """
        self.start()
        asked = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            asked.set()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            ready()
            # A wait without end would not be interrupted by a signal on every platform.
            while not asked.wait(0.5):
                pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.stop()

    def __enter__(self) -> "EmulatorServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
