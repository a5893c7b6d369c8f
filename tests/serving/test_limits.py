"""What one client may cost: bodies, heads, trailers, time to send and to read; and what goes free when it leaves."""

from __future__ import annotations

import gc
import itertools
import select
import tracemalloc

import pytest
from served import Waiting, answer_to, connect, rest, say, serving

from optilocal.serving.server import Server

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_that_is_too_large_is_answered_while_it_arrives_and_the_rest_is_thrown_away(
    server: Server,
) -> None:
    with connect(server) as client:
        client.sendall(POST % 500_000 + b"x" * 1_001)
        assert answer_to(client, b"POST  " + b"x" * 99).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"x" * 498_999 + GET)
        assert answer_to(client, b"GET  ").count(b"HTTP/1.1 200 ") == 1


def test_a_client_that_closes_behind_its_answer_gets_it_once_its_body_is_through(server: Server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5000000\r\n\r\n"
    assert say(server, head + b"x" * 5_000_000, end=False).startswith(b"HTTP/1.1 200 ")


def test_a_body_without_end_is_cut_off(reports: list[str], waiting: Waiting) -> None:
    with serving(waiting, reports.append, drained=1_000_000) as server, connect(server) as client:
        client.sendall(CHUNKED)
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                client.sendall(b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")


@pytest.mark.parametrize(
    "endless",
    [
        (b"GET / HTTP/1.1\r\n", b"X-A: bcdefgh\r\n" * 1_000),
        (b"GET / HTTP/1.1\r\nX-A: ", b"a" * 10_000),
        (b"GET /", b"a" * 10_000),
        (CHUNKED + b"1;", b"a" * 10_000),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"X-A: bcdefgh\r\n" * 1_000),
    ],
    ids=["headers", "header", "address", "chunk extension", "trailers"],
)
def test_a_head_and_what_is_around_a_body_have_an_end(server: Server, endless: tuple[bytes, bytes]) -> None:
    begin, more = endless
    with connect(server) as client:
        client.sendall(begin)
        try:
            for _ in range(100):
                client.sendall(more)
        except ConnectionError:
            pass
        try:
            answer = rest(client)
        except ConnectionError:
            return
        assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


def test_headers_of_more_than_32_kilobytes_reach_no_app(server: Server, reports: list[str]) -> None:
    large = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * 33_000 + b"\r\n\r\n"
    answer = say(server, large)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code": "too_large"' in answer
    assert reports == []


def test_chunks_of_one_byte_are_a_body_like_any_other(server: Server) -> None:
    assert say(server, CHUNKED + b"1\r\na\r\n" * 900 + b"0\r\n\r\n").endswith(b"POST  " + b"a" * 99)


def test_what_comes_behind_the_body_is_no_header(server: Server) -> None:
    answer = say(server, CHUNKED + b"1\r\na\r\n0\r\nX-Trailer: smuggled\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"smuggled" not in answer


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nHo", POST % 900 + b"abc", CHUNKED + b"1"])
def test_a_request_that_comes_too_slowly_is_refused(
    reports: list[str], waiting: Waiting, begun: bytes
) -> None:
    with serving(waiting, reports.append, grace=0.1, slowest=100_000) as server:
        answer = say(server, begun, end=False)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "too_slow"' in answer


def test_a_client_that_waits_is_not_a_slow_one(reports: list[str], waiting: Waiting) -> None:
    with (
        serving(waiting, reports.append, grace=0.05, slowest=100_000, idle=0.05) as server,
        connect(server) as client,
        connect(server) as silent,
    ):
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert waiting.until(1)
        assert silent.recv(1) == b"", "the silent one is hung up on, so that a look has been had at both"
        waiting.release()
        assert answer_to(client, b"GET  ").startswith(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_read_its_answer_is_dropped(reports: list[str], waiting: Waiting) -> None:
    with serving(waiting, reports.append, grace=0.1, slowest=100_000) as server, connect(server) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        watch = select.poll()
        watch.register(client, select.POLLRDHUP)
        assert watch.poll(20_000), "the server has closed the connection, though nothing was read"
        received = 0
        try:
            while found := client.recv(1_000_000):
                received += len(found)
        except ConnectionError:
            pass
        assert received < 64_000_000
        assert say(server, GET).startswith(b"HTTP/1.1 200 ")


def test_a_slow_reader_that_does_read_gets_all_of_it(reports: list[str], waiting: Waiting) -> None:
    with serving(waiting, reports.append, grace=0.05, slowest=1) as server, connect(server) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert len(rest(client)) > 64_000_000


def test_clients_that_leave_take_their_bodies_with_them(reports: list[str], waiting: Waiting) -> None:
    gc.disable()
    tracemalloc.start()
    try:
        with serving(waiting, reports.append) as server:
            for _ in range(20):
                with connect(server) as client:
                    client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert client.recv(1) == b"H"
                with connect(server) as client:
                    client.sendall(POST % 900 + b"x" * 500)
            kept = (say(server, GET) and tracemalloc.get_traced_memory()[0] for _ in itertools.count())
            assert next(size for size, _ in zip(kept, range(1_000), strict=False) if size < 10_000_000)
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"200"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n", b"400"),
        (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: \xe4\xff\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\r\n folded\r\n\r\n", b"400"),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nabc", b"400"),
    ],
)
def test_odd_requests_have_the_status_that_the_page_on_security_tells(
    server: Server, request_text: bytes, status: bytes
) -> None:
    assert say(server, request_text)[9:12] == status
