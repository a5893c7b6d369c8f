"""Requests that a handler answers on the loop itself, in the app's place: with the same limits, breaks and errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served import MAX_BODY, Waiting, connect, make_app, rest, say

from optilocal.serving.request import Answer, Headers
from optilocal.serving.server import Server, listen

MOST = 10


class Handler:
    """Says what it was given; leaves `leave` to the app, breaks off at `break`, fails at `fail`."""

    max_body = MOST

    async def __call__(self, body: bytes) -> Answer | None:
        if body == b"leave":
            return None
        if body == b"fail":
            raise RuntimeError("made to fail")
        breaks = "hang_up" if body == b"break" else None
        return Answer(200, [(b"x-direct", b"yes")], b"%d %s" % (len(body), body), breaks)


def direct(method: str, target: bytes, headers: Headers) -> Handler | None:
    wanted = method == "POST" and target.partition(b"?")[0] == b"/direct"
    return Handler() if wanted and (b"x-not", b"here") not in headers else None


@pytest.fixture
def server(reports: list[str], loop: str) -> Iterator[Server]:
    made = Server(
        make_app(Waiting()),
        listen("127.0.0.1", 0),
        name="served",
        max_body=MAX_BODY,
        now_ms=lambda: 1_768_471_200_000,
        report=reports.append,
        direct=direct,
    )
    made.start()
    yield made
    made.stop()


def post(server: Server, body: bytes, target: bytes = b"/direct", more: bytes = b"") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n"
    return say(server, head % (target, more, len(body)) + body, end=False)


def test_a_handler_answers_in_the_apps_place(server: Server) -> None:
    answer = post(server, b"abc", b"/direct?a=b")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nx-direct: yes\r\n" in answer
    assert b"\r\nx-content-type-options: nosniff\r\n" in answer
    assert answer.endswith(b"\r\n\r\n3 abc")


def test_what_it_does_not_want_the_app_has(server: Server) -> None:
    assert post(server, b"leave").endswith(b"POST  leave")
    assert post(server, b"abc", b"/else").endswith(b"POST  abc")
    assert post(server, b"abc", more=b"X-Not: here\r\n").endswith(b"POST  abc")


def test_of_a_larger_body_it_is_handed_one_byte_more_than_its_limit(server: Server) -> None:
    with connect(server) as client:
        client.sendall(
            b"POST /direct HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * (MOST + 1)
        )
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 "), "before the rest of the body has come"
    assert post(server, b"y" * 500).endswith(b"11 " + b"y" * 11)


def test_it_may_break_the_connection(server: Server) -> None:
    assert post(server, b"break") == b""


def test_one_that_fails_is_told_and_the_next_client_is_served(server: Server, reports: list[str]) -> None:
    assert post(server, b"fail").startswith(b"HTTP/1.1 500 ")
    assert reports == ["POST /direct: RuntimeError: made to fail"]
    assert post(server, b"abc").endswith(b"3 abc")


def test_whoever_asks_in_the_same_process_is_answered_by_it_too(server: Server) -> None:
    assert server.ask("POST", "/direct", b"abc", {}) == (200, b"3 abc")
    assert server.ask("POST", "/direct", b"leave", {}) == (200, b"POST  leave")
    with pytest.raises(ConnectionResetError):
        server.ask("POST", "/direct", b"break", {})


def test_requests_in_a_row_are_answered_in_their_order_on_either_way(server: Server) -> None:
    pieces = [
        b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n%03d" % (b"direct" if n % 3 else b"app", n)
        for n in range(60)
    ]
    with connect(server) as client:
        client.sendall(b"".join(pieces) + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        parts = rest(client).split(b"HTTP/1.1 ")[1:-1]
    assert [part[-3:] for part in parts] == [b"%03d" % n for n in range(60)]
