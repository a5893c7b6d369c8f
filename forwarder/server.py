"""A running forwarder: spool, workers and addresses, behind one object that starts and stops them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flask import Flask

from optilocal.forwarder.api.body import MAX_CONTROL_BYTES
from optilocal.forwarder.app import create_app, report
from optilocal.forwarder.clock import Clock, SystemClock
from optilocal.forwarder.context import Context
from optilocal.forwarder.queue.dispatcher import Dispatcher
from optilocal.forwarder.queue.instances import Instances
from optilocal.forwarder.settings import ServerSettings
from optilocal.forwarder.store.file import SpoolError
from optilocal.forwarder.store.spool import Spool
from optilocal.serving.log import log
from optilocal.serving.server import ListenError, Server, listen, reachable_url, until_signal

if TYPE_CHECKING:
    from optilocal.forwarder.http.session import HttpSession

DRAIN_S = 1.0


class ServerError(OSError):
    """The forwarder cannot be started: one line that says what is wrong, where, and what to do."""


class _LazySession:
    """The HTTP session, opened on first use: `requests` is slow to import."""

    def __init__(self, pool: int) -> None:
        self._pool = pool
        self._opening = threading.Lock()
        self._session: HttpSession | None = None

    def __call__(self) -> HttpSession:
        with self._opening:
            if self._session is None:
                from optilocal.forwarder.http.session import HttpSession  # noqa: PLC0415 - `requests` is slow to import

                self._session = HttpSession(self._pool)
            return self._session

    def abort(self) -> None:
        """Ends every current request, and refuses every later one."""
        if self._session is not None:
            self._session.abort()

    def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            self._session.close()


def new_id() -> str:
    """A new unique id."""
    return str(uuid.uuid4())


class ForwarderServer:
    """A forwarder that serves from `start` to `stop`; a context manager. Tests pass their own `clock`, `ids` and
    `random`.
    """

    def __init__(
        self,
        settings: ServerSettings,
        clock: Clock | None = None,
        *,
        ids: Callable[[], str] = new_id,
        random: Random | None = None,
        port_option: str = "--port",
    ) -> None:
        self._settings, self._port_option = settings, port_option
        self._clock = clock or SystemClock()
        self._ids = ids
        self._random = random or Random()
        self.app: Flask
        """The WSGI app that is served, once it has started."""
        self._server: Server | None = None
        self._stopped = threading.Event()
        self._spool: Spool | None = None
        self._dispatcher: Dispatcher | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return self._server.address[1]

    @property
    def base_url(self) -> str:
        """`http://HOST:PORT`."""
        return reachable_url(self._settings.host, self.port)

    def start(self) -> Self:
        """Starts to serve and to send; it answers requests when this returns. Raises `ServerError`."""
        settings = self._settings
        try:
            spool = _open_spool(settings.spool)
        except SpoolError as error:
            raise ServerError(str(error)) from None
        session = _LazySession(pool=settings.workers * 2)
        clock, random, ids = self._clock, self._random, self._ids
        instances = Instances(settings, spool, session, clock=clock, random=random, ids=ids)
        dispatcher = Dispatcher(spool, instances, clock, workers=settings.workers, abort=session.abort)
        started_at = clock.now_ms()
        self.app = create_app(
            Context(settings, clock, random, ids, spool, instances, dispatcher, session, started_at)
        )
        try:
            listener = listen(settings.host, settings.port, option=self._port_option)
        except ListenError as error:
            spool.close()
            session.close()
            raise ServerError(str(error)) from None
        self._server = Server(
            self.app,
            listener,
            name="forwarder",
            max_body=MAX_CONTROL_BYTES,
            now_ms=clock.now_ms,
            report=report,
        )
        self._spool, self._dispatcher, self._session = spool, dispatcher, session
        dispatcher.start()
        self._server.start()
        return self

    def stop(self) -> None:
        """Stops serving and sending, and closes the spool, within three seconds. A second call does nothing.

        The next forwarder on the same spool sends what still waits. Without a spool file, deliveries that are due are
        sent first, and stderr says how many others are lost.
        """
        if self._server is None or self._spool is None or self._dispatcher is None or self._stopped.is_set():
            return
        self._stopped.set()
        self._server.stop()
        self._dispatcher.stop(drain_s=DRAIN_S if self._spool.temporary else 0.0)
        if self._spool.temporary and (left := self._spool.waiting()):
            log(
                "forwarder",
                f"{left} deliveries were still waiting and are lost; --spool FILE keeps them",
                "error",
            )
        self._spool.close()
        self._session.close()

    def serve_forever(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until SIGINT or SIGTERM, then stops. `ready` is called once the signal handlers are set."""
        until_signal(ready, self.stop)

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _open_spool(where: Path | str | None) -> Spool:
    """The spool in a file, in a temporary one for None, or in PostgreSQL at `postgresql://…`. Raises `SpoolError`."""
    if isinstance(where, str):
        from optilocal.forwarder.store.postgresql import PostgresqlSpool  # noqa: PLC0415 - slow to import

        return PostgresqlSpool(where)
    from optilocal.forwarder.store.sqlite import SqliteSpool  # noqa: PLC0415 - who shares a database has no need of it

    return SqliteSpool(where)
