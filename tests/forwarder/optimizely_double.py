"""What the tests of the platform share: a recording stand-in for Optimizely's hosts, and a forwarder in front
of it.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOON = 1_768_478_400_000
"""2026-01-15T12:00:00Z in epoch milliseconds."""

DATAFILE: dict[str, Any] = {
    "version": "4",
    "accountId": "12001",
    "projectId": "p-1",
    "revision": "7",
    "anonymizeIP": True,
    "attributes": [{"id": "a-1", "key": "plan"}],
    "events": [{"id": "e-1", "key": "Order Completed", "experimentIds": []}],
}
DATAFILE_URL = "https://cdn.optimizely.com/datafiles/shop.json"


@dataclass(frozen=True)
class Answer:
    """What the stand-in says to one request: `broken` is None, "hang_up", "reset", "garbage" or "truncate"."""

    status: int = 200
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)
    broken: str | None = None


DATAFILE_ANSWER = Answer(body=json.dumps(DATAFILE), headers={"content-type": "application/json"})


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class OptimizelyDouble:
    """A real HTTP server that records what it gets and answers a path's queue first, its usual answer after that."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.usual: dict[str, Answer] = {
            "/datafiles/": DATAFILE_ANSWER,
            "/v1/events": Answer(204),
            "/v2/subject-access-requests": Answer(
                201, '{"id": 1}', {"content-type": "application/json; charset=utf-8"}
            ),
            "/_emulator/deliveries": Answer(201, '{"number": 41}', {"content-type": "application/json"}),
        }
        self.queued: dict[str, deque[Answer]] = {prefix: deque() for prefix in self.usual}
        self.gates: dict[str, threading.Event] = {}
        """Prefix → what must be set before requests to such paths are answered; they are received all the same."""
        self._lock = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def next(self, prefix: str, *answers: Answer) -> None:
        """Answers for the next requests to paths that begin with `prefix`."""
        self.queued[prefix].extend(answers)

    def to(self, fragment: str) -> list[Received]:
        """The requests whose path holds `fragment`, in order."""
        with self._lock:
            return [one for one in self.received if fragment in one.path]

    def reports(self) -> list[dict[str, Any]]:
        """The delivery reports, in order; several may have come at once."""
        bodies = [one.json for one in self.to("/_emulator/deliveries")]
        return [report for body in bodies for report in (body if isinstance(body, list) else [body])]

    def wait_for(self, fragment: str, count: int = 1) -> list[Received]:
        """Waits until `count` requests have come whose path holds `fragment`."""
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.to(fragment)) >= count, 15), (
                f"{fragment} did not come"
            )
        return self.to(fragment)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, path: str) -> Answer:
        for prefix, queue in self.queued.items():
            if prefix in path:
                return queue.popleft() if queue else self.usual[prefix]
        return self.usual.get(path, Answer(404, "not here"))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                return

            def handle(self) -> None:
                # A client that gives up in the middle is part of some tests.
                try:
                    super().handle()
                except ConnectionError:
                    self.close_connection = True

            def _serve(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                if len(body) < length:
                    # Its client died while it was sending: no request at all.
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                with double._lock:
                    double.received.append(Received(self.command, self.path, headers, body))
                    double._lock.notify_all()
                    answer = double._answer(self.path)
                    gates = [gate for prefix, gate in double.gates.items() if prefix in self.path]
                for gate in gates:
                    gate.wait(15)
                if answer.broken:
                    self._break(answer)
                    return
                content = answer.body.encode() if isinstance(answer.body, str) else answer.body
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _break(self, answer: Answer) -> None:
                self.close_connection = True
                if answer.broken == "garbage":
                    self.wfile.write(b"what is this\r\n\r\n")
                if answer.broken == "truncate":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
                if answer.broken == "reset":
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    socket.socket(fileno=self.connection.detach()).close()

            do_GET = do_POST = _serve

        return Handler
