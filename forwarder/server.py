"""A running forwarder: spool, workers and addresses, behind one object that starts and stops them."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import uuid
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from random import Random
from types import FrameType, TracebackType
from typing import Any, Self

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer

from forwarder.app import create_app
from forwarder.clock import Clock, SystemClock
from forwarder.connection import Connection
from forwarder.control_api import control_api
from forwarder.dispatcher import Dispatcher
from forwarder.instances import Instances
from forwarder.pooled_session import open_session
from forwarder.refusals import Refusals
from forwarder.regulations import regulations
from forwarder.settings import ServerSettings
from forwarder.source_api import source_api
from forwarder.spool import Spool
from forwarder.spool_file import SpoolError

DRAIN_S = 10.0
MAX_CONNECTIONS = 256


class ServerError(OSError):
    """The forwarder cannot be started: one line that says what, where, and what to do."""


class _Server(ThreadedWSGIServer):
    """A thread a connection, and never more than `MAX_CONNECTIONS`: the next one waits until another has gone."""

    daemon_threads = True

    def __init__(self, host: str, port: int, app: Flask, listener: socket.socket) -> None:
        super().__init__(host, port, app, Connection, fd=listener.fileno())
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._leaving = False

    def process_request(self, request: Any, client_address: Any) -> None:
        while not self._free.acquire(timeout=0.1):
            if self._leaving:
                self.shutdown_request(request)
                return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended badly is the client's affair."""

    def shutdown(self) -> None:
        self._leaving = True
        super().shutdown()


def new_id() -> str:
    """A new unique id."""
    return str(uuid.uuid4())


class ForwarderServer:
    """Segment's side, serving. A context manager; `clock`, `ids` and `random` come from outside in tests."""

    def __init__(
        self,
        settings: ServerSettings,
        clock: Clock | None = None,
        *,
        ids: Callable[[], str] = new_id,
        random: Random | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._ids = ids
        self._random = random or Random()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._spool: Spool | None = None
        self._dispatcher: Dispatcher | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(self._server.port)

    @property
    def base_url(self) -> str:
        """`http://HOST:PORT`."""
        host = self._settings.host
        shown = f"[{host}]" if ":" in host else {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(host, host)
        return f"http://{shown}:{self.port}"

    def start(self) -> Self:
        """Begins to serve and to send; it answers when this returns. Raises `ServerError`."""
        settings = self._settings
        try:
            spool = Spool(settings.spool)
        except SpoolError as error:
            raise ServerError(str(error)) from None
        session = open_session(pool=settings.workers + 4)
        instances = Instances(
            spool,
            session,
            optimizely=settings.optimizely,
            settings=settings.destination_settings,
            mappings=settings.mappings,
            clock=self._clock,
            random=self._random,
            ids=self._ids,
            retry=settings.retry,
        )
        dispatcher = Dispatcher(spool, instances, self._clock, workers=settings.workers)
        refusals = Refusals()
        app = create_app(
            [
                source_api(dispatcher, self._clock, self._ids, refusals),
                regulations(spool, dispatcher, self._clock, self._ids),
                control_api(
                    spool,
                    instances,
                    dispatcher,
                    self._clock,
                    session,
                    refusals=refusals,
                    optimizely=settings.optimizely,
                    version=_version(),
                ),
            ],
            bound_to=settings.host,
            allowed_hosts={name.lower() for name in (*settings.allowed_hosts, settings.host) if name},
        )
        try:
            listener = _listen(settings.host, settings.port)
        except OSError as error:
            spool.close()
            session.close()
            where = f"{settings.host}:{settings.port}"
            raise ServerError(
                f"cannot listen on {where}: {error.strerror or error}; use another port, or 0"
            ) from None
        with listener:
            self._server = _Server(settings.host, settings.port, app, listener)
        self._spool, self._dispatcher, self._session = spool, dispatcher, session
        dispatcher.start()
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="forwarder", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops serving, lets attempts under way come to their end, closes the spool. A second time does
        nothing.

        What still waits is sent by the next forwarder on the same spool; without a spool file what is due at
        once is sent first, and the loss of the rest is said on stderr.
        """
        if self._server is None or self._spool is None or self._dispatcher is None or self._stopped.is_set():
            return
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        if self._thread is not None:
            self._thread.join()
        self._dispatcher.stop(drain_s=DRAIN_S if self._spool.temporary else 0.0)
        left = self._spool.waiting()
        if left and self._spool.temporary:
            print(
                f"forwarder: {left} deliveries were still waiting and are lost; --spool FILE keeps them",
                file=sys.stderr,
            )
        self._spool.close()
        self._session.close()

    def serve_forever(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until SIGINT or SIGTERM, then stops. `ready` is called once a signal would be heeded."""
        done = threading.Event()

        def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's arguments
            done.set()

        before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            ready()
            while not done.wait(0.5):
                pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.stop()

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _version() -> str:
    try:
        return version("optilocal")
    except PackageNotFoundError:
        return "0"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except BaseException:
        listener.close()
        raise
    return listener
