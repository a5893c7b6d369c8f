"""HTTP/1.1 as raw bytes: keep-alive, pipelining, half-closed clients, odd requests, connections broken on purpose."""

import pytest
from served import answer_to, connect, say

from optilocal.serving.server import Server


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
    with connect(server) as connection:
        for _ in range(1 if closes else 3):
            connection.sendall(request_head)
            answer = answer_to(connection, b"\r\n\r\nGET  ")
            assert (b"connection: close" in answer) == closes
        if closes:
            assert connection.recv(1) == b""


def test_a_head_has_the_length_of_the_body_and_no_body(server: Server) -> None:
    answer = say(server, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"content-length: 6" in answer
    assert answer.endswith(b"\r\n\r\n")


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
def test_what_is_no_request_is_the_clients_mistake(server: Server, odd: bytes, reports: list[str]) -> None:
    answer = say(server, odd)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code": "bad_request"' in answer
    assert reports == []


def test_an_app_that_fails_is_told_and_the_next_client_is_served(server: Server, reports: list[str]) -> None:
    assert say(server, b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 500 ")
    assert reports == ["GET /fail: RuntimeError: made to fail"]
    assert b" 200 OK" in say(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def test_an_upgrade_is_answered_as_what_it_is_without_it(server: Server) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with connect(server) as connection:
        for request in (asked, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            connection.sendall(request)
            assert answer_to(connection, b"\r\n\r\nGET  ").startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_broken_as_the_app_asks(server: Server) -> None:
    with pytest.raises(ConnectionResetError):
        say(server, b"GET /reset HTTP/1.1\r\nHost: x\r\n\r\n", end=False)
    assert say(server, b"GET /hang_up HTTP/1.1\r\nHost: x\r\n\r\n", end=False) == b""
    garbage = say(server, b"GET /garbage HTTP/1.1\r\nHost: x\r\n\r\n", end=False)
    assert garbage
    assert b"HTTP/1.1" not in garbage
