"""A server with a small app, and clients that speak to it in raw bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from optilocal.serving.connection import Limits
from optilocal.serving.request import REQUEST, Wait
from optilocal.serving.server import Server, listen

MAX_BODY = 1_000


class Waiting:
    """Who waits at `/wait`, and how to let them go."""

    def __init__(self) -> None:
        self.released = False
        self.failing = False
        self.blocked = threading.Semaphore(0)
        self.unblock = threading.Event()
        self._changed = threading.Condition()
        self._told: set[Callable[[], None]] = set()

    def subscribe(self, news: Callable[[], None]) -> Callable[[], None]:
        with self._changed:
            self._told.add(news)
            self._changed.notify_all()

        def end() -> None:
            with self._changed:
                self._told.discard(news)
                self._changed.notify_all()

        return end

    def check(self) -> float | None:
        if self.failing:
            raise RuntimeError("made to fail")
        return None if self.released else 60

    def release(self) -> None:
        self.released = True
        with self._changed:
            told = tuple(self._told)
        for news in told:
            news()

    def until(self, count: int) -> bool:
        """Whether exactly so many wait, within twenty seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._told) == count, 20)


def make_app(waiting: Waiting) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Says what it was asked. `/wait` waits, `/block` holds its thread, `/late` is answered a minute later, `/fail` raises,
    `/large` has 64 MB to say, `/reset` and so on break off.
    """

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, asked = environ["PATH_INFO"], environ[REQUEST]
        if path == "/wait" and not asked.waited:
            asked.wait = Wait(60, waiting.check, waiting.subscribe)
        if path == "/block":
            waiting.blocked.release()
            waiting.unblock.wait(20)
        if path == "/late":
            asked.delay = 60
        if path == "/fail":
            raise RuntimeError("made to fail")
        if path in ("/reset", "/hang_up", "/garbage", "/truncate"):
            asked.breaks = path[1:]
        body = environ["wsgi.input"].read()
        headers = [("X-Path", path)]
        if "HTTP_X_TRAILER" in environ:
            headers.append(("X-Trailer", environ["HTTP_X_TRAILER"]))
        start_response("200 OK", headers)
        if path == "/large":
            return [bytes(64_000_000)]
        return [environ["REQUEST_METHOD"].encode(), b" ", environ["QUERY_STRING"].encode(), b" ", body[:99]]

    return app


@contextlib.contextmanager
def serving(waiting: Waiting, report: Callable[[str], None], **limits: Any) -> Iterator[Server]:
    """A running server; any field of `Limits` can be given."""
    made = Server(
        make_app(waiting),
        listen("127.0.0.1", 0),
        name="served",
        max_body=MAX_BODY,
        now_ms=lambda: 1_768_471_200_000,
        report=report,
        limits=Limits(**limits),
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


def connect(server: Server) -> socket.socket:
    return socket.create_connection(server.address, timeout=20)


def rest(connection: socket.socket) -> bytes:
    """Everything that comes until the server hangs up."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def say(server: Server, *pieces: bytes, end: bool = True) -> bytes:
    """Everything that is answered to these bytes until the server hangs up."""
    with connect(server) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return rest(connection)


def answer_to(connection: socket.socket, ending: bytes) -> bytes:
    """What comes until it ends so."""
    found = b""
    while not found.endswith(ending):
        found += connection.recv(65_536)
    return found
