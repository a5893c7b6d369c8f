"""HTTP/1.1 as raw bytes: keep-alive, pipelining, half-closed clients, limits, and stopping."""

import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from optilocal.serving.request import REQUEST, Wait
from optilocal.serving.server import Server, listen

RELEASED = threading.Event()
WAITING: set[Callable[[], None]] = set()


def subscribe(news: Callable[[], None]) -> Callable[[], None]:
    WAITING.add(news)
    return lambda: WAITING.discard(news)


def release() -> None:
    """Let all go that wait now."""
    RELEASED.set()
    for news in tuple(WAITING):
        news()


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Says what it was asked; `/wait` waits until it is released."""
    path = environ["PATH_INFO"]
    asked = environ[REQUEST]
    if path == "/wait" and not asked.waited:
        asked.wait = Wait(20, lambda: None if RELEASED.is_set() else 20, subscribe)
    if path == "/fail":
        raise RuntimeError("made to fail")
    if path in ("/reset", "/hang_up", "/garbage"):
        asked.breaks = path[1:]
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("X-Path", path)])
    return [environ["REQUEST_METHOD"].encode(), b" ", environ["QUERY_STRING"].encode(), b" ", body[:99]]


class Reports(list[str]):
    """What the server said it got wrong."""


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture(params=["uvloop", "asyncio"])
def server(
    reports: Reports, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """A server on either loop: there is no uvloop for Windows."""
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    RELEASED.clear()
    made = Server(
        app,
        listen("127.0.0.1", 0),
        name="served",
        max_body=1_000,
        now_ms=lambda: 1_768_471_200_000,
        report=reports.append,
    )
    made.start()
    yield made
    RELEASED.set()
    made.stop()


def say(server: Server, *pieces: bytes, end: bool = True) -> bytes:
    """Everything that is answered to these bytes until the server hangs up."""
    with socket.create_connection(server.address, timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def one_answer(connection: socket.socket) -> bytes:
    """The answer to a GET of the app without a query."""
    answer = b""
    while not answer.endswith(b"\r\n\r\nGET  "):
        answer += connection.recv(65_536)
    return answer


def test_an_answer_bears_its_length_and_the_servers_time(server: Server) -> None:
    answer = say(server, b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer == (
        b"HTTP/1.1 200 OK\r\nserver: optilocal\r\ndate: Thu, 15 Jan 2026 10:00:00 GMT\r\n"
        b"x-content-type-options: nosniff\r\nx-path: /a\r\n"
        b"cross-origin-resource-policy: same-origin\r\ncontent-length: 8\r\n\r\nGET b=c "
    )


def test_requests_in_a_row_are_answered_in_their_order(server: Server) -> None:
    requests = [b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n%03d" % (n, n) for n in range(200)]
    answer = say(server, b"".join(requests))
    assert [part[-3:] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"%03d" % n for n in range(200)]


def test_bytes_one_by_one_are_a_request_like_any_other(server: Server) -> None:
    request = (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    assert say(server, *(bytes([byte]) for byte in request)).endswith(b"POST  abc")


@pytest.mark.parametrize(
    ("request_head", "closes"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", False),
    ],
)
def test_the_connection_stays_open_as_the_client_asks(
    server: Server, request_head: bytes, closes: bool
) -> None:
    with socket.create_connection(server.address, timeout=20) as connection:
        for _ in range(1 if closes else 3):
            connection.sendall(request_head)
            answer = one_answer(connection)
            assert (b"connection: close" in answer) == closes
        if closes:
            assert connection.recv(1) == b""


def test_a_head_has_the_length_of_the_body_and_no_body(server: Server) -> None:
    answer = say(server, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"content-length: 6" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_of_a_body_that_is_too_long_the_app_is_handed_one_byte_more_than_is_taken(server: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    assert b" 200 OK" in say(server, head % 5_000, b"x" * 5_000)
    with socket.create_connection(server.address, timeout=20) as connection:
        connection.sendall(head % 500_000 + b"x" * 1_001)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_head_without_end_is_refused(server: Server) -> None:
    answer = say(server, b"GET / HTTP/1.1\r\n" + b"X-A: bcdefgh\r\n" * 50_000, end=False)
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "odd",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET /half HTT",
    ],
)
def test_what_is_no_request_is_the_clients_mistake(server: Server, odd: bytes, reports: Reports) -> None:
    answer = say(server, odd)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code": "bad_request"' in answer
    assert reports == []


def test_an_app_that_fails_is_told_and_the_next_client_is_served(server: Server, reports: Reports) -> None:
    assert say(server, b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 500 ")
    assert reports == ["GET /fail: RuntimeError: made to fail"]
    assert b" 200 OK" in say(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def test_an_upgrade_is_answered_as_what_it_is_without_it(server: Server) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with socket.create_connection(server.address, timeout=20) as connection:
        for request in (asked, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            connection.sendall(request)
            assert one_answer(connection).startswith(b"HTTP/1.1 200 ")


def test_who_waits_keeps_nobody_out_and_is_answered_when_there_is_news(server: Server) -> None:
    waiters = [socket.create_connection(server.address, timeout=20) for _ in range(100)]
    for waiter in waiters:
        waiter.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    for _ in range(20):
        assert b" 200 OK" in say(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    release()
    for waiter in waiters:
        assert waiter.recv(65_536).startswith(b"HTTP/1.1 200 ")
        waiter.close()
    assert not WAITING


def test_who_waits_is_answered_before_the_server_leaves(server: Server) -> None:
    waiters = [socket.create_connection(server.address, timeout=20) for _ in range(100)]
    for waiter in waiters:
        waiter.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 OK" in say(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    server.stop()
    for waiter in waiters:
        assert waiter.recv(65_536).startswith(b"HTTP/1.1 200 ")
        waiter.close()


def test_a_connection_is_broken_as_the_app_asks(server: Server) -> None:
    with pytest.raises(ConnectionResetError):
        say(server, b"GET /reset HTTP/1.1\r\nHost: x\r\n\r\n", end=False)
    assert say(server, b"GET /hang_up HTTP/1.1\r\nHost: x\r\n\r\n", end=False) == b""
    garbage = say(server, b"GET /garbage HTTP/1.1\r\nHost: x\r\n\r\n", end=False)
    assert garbage
    assert b"HTTP/1.1" not in garbage
