"""One emulator that serves: in a thread of this process for tests and the sandbox, or until a signal for the command."""

import errno
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from flask import Flask

from optilocal.emulator.app import create_app
from optilocal.emulator.context import EXTENSION, Context, Recorder
from optilocal.emulator.control.forgetting import forgetting
from optilocal.emulator.datafile.source import DatafileSources
from optilocal.emulator.journal.journal import open_journal
from optilocal.emulator.settings import Settings
from optilocal.emulator.wire.direct import DirectEvents
from optilocal.emulator.wire.remote import RemoteEvents
from optilocal.serving.clock import Clock, SystemClock
from optilocal.serving.namespaces import DEFAULT
from optilocal.serving.server import ListenError, Server, listen, reachable_url, until_signal


class ServerError(ListenError):
    """The emulator cannot serve; the text is one line that says what, where and what to do."""


class EmulatorServer:
    """An emulator on an address of its own; a context manager. Port 0 takes any free port.

    Raises JournalError for a journal that cannot be used, ServerError for an address that is taken, and DatafileError
    for a datafile that is none; each is one line. `port_option` is where a user names the port.
    """

    def __init__(
        self, settings: Settings, clock: Clock | None = None, *, port_option: str = "--port"
    ) -> None:
        self.settings = settings
        self._port_option = port_option
        self.clock = clock or SystemClock()
        self.port = settings.port
        self._server: Server | None = None
        self.app: Flask
        """The WSGI app that is served, once it has started."""
        self._context: Context | None = None
        self._sources: DatafileSources | None = None
        self._forgetting: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """`http://HOST:PORT`, as a client on this machine reaches it."""
        return reachable_url(self.settings.host, self.port)

    def start(self) -> "EmulatorServer":
        """Serve in a thread; whoever connects after this returns is answered."""
        if self._server is not None:
            return self
        settings = self.settings
        try:
            listening = listen(settings.host, settings.port, "the emulator", self._port_option)
        except ListenError as error:
            raise ServerError(error.errno, str(error)) from None
        self.port = listening.getsockname()[1]
        with ExitStack() as undo:
            undo.callback(listening.close)
            journal = open_journal(
                settings.journal, max_rows=settings.max_events, max_bytes=settings.max_bytes
            )
            undo.callback(journal.close)
            self.app = create_app(settings, self.clock, journal)
            parts = self._context = self.app.extensions[EXTENSION]
            now = partial(parts.now, DEFAULT)
            self._sources = DatafileSources(settings.datafiles, journal, now=now, report=parts.report)
            self._sources.load()
            self._server = Server(
                self.app,
                listening,
                name=f"emulator-{self.port}",
                max_body=settings.max_control_body,
                now_ms=self.clock.now_ms,
                report=parts.report_failure,
                direct=(RemoteEvents if journal.is_remote else DirectEvents)(parts),
            )
            undo.pop_all()
        self._sources.watch()
        parts.projector.start(parts.report_failure)
        if settings.forget_after is not None:
            after_ms = round(settings.forget_after * 1_000)
            self._forgetting = forgetting(journal, self.clock, after_ms, parts.stopping, parts.report)
        self._server.start()
        return self

    def speak_to(self, forwarder_url: str) -> None:
        """From now on this is the forwarder that the viewer speaks to."""
        assert self._context is not None
        self._context.forwarder = forwarder_url

    def record_with(self, recorder: Recorder) -> None:
        """From now on the viewer records scenarios by this."""
        assert self._context is not None
        self._context.recorder = recorder

    def stop(self) -> None:
        """Stop serving, let waiting clients go, close the journal; at once, and as often as one likes."""
        server, parts = self._server, self._context
        self._server = None
        if server is None or parts is None:
            return
        parts.stopping.set()
        if self._sources:
            self._sources.stop()
        server.stop()
        if self._forgetting:
            self._forgetting.join()
        parts.projector.stop()
        parts.journal.close()

    def ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer that `target`, path and query, has over HTTP, without the network: for whoever has
        this emulator in its own process and many small questions.

        Raises ServerError when it does not serve, ConnectionResetError where a fault breaks the connection.
        """
        if self._server is None:
            raise ServerError(
                errno.ENOTCONN, "the emulator does not serve: it was not started, or was stopped"
            )
        return self._server.ask(method, target, body, headers)

    def serve_forever(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGINT or SIGTERM; for the main thread of a command. Starts when it was not started.

        `ready` is called when it serves and a signal would be heeded.
        """
        self.start()
        until_signal(ready, self.stop)

    def __enter__(self) -> "EmulatorServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
