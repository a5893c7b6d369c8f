"""Clients that wait: they hold no thread, end with their connection, and keep nobody from being answered."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator

import pytest
from served import Waiting, connect, rest, say

from optilocal.serving.server import Server

WAIT = b"GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def thousand(server: Server) -> Iterator[list[socket.socket]]:
    """A thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8_192)), hard))
    clients = [connect(server) for _ in range(1_000)]
    yield clients
    for client in clients:
        client.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_wait_at_once_and_hold_no_thread(
    server: Server, waiting: Waiting, thousand: list[socket.socket]
) -> None:
    threads = threading.active_count()
    for client in thousand:
        client.sendall(WAIT)
    assert waiting.until(1_000)
    assert threading.active_count() <= threads + 20, "those of the pool"
    assert b" 200 OK" in say(server, GET)
    waiting.release()
    for client in thousand:
        assert rest(client).startswith(b"HTTP/1.1 200 ")
    assert waiting.until(0)


def test_a_wait_ends_with_its_connection(
    server: Server, waiting: Waiting, thousand: list[socket.socket]
) -> None:
    for client in thousand:
        client.sendall(WAIT)
    assert waiting.until(1_000)
    for client in thousand:
        client.close()
    assert waiting.until(0)
    assert b" 200 OK" in say(server, GET)


def test_a_wait_ends_with_its_connection_whatever_was_asked_behind_it(
    server: Server, waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(server) as client:
        client.sendall(WAIT.replace(b"Connection: close\r\n", b"") + GET)
        assert waiting.until(1)
    assert waiting.until(0)
    assert b" 200 OK" in say(server, GET)
    server.stop()
    assert [record.getMessage() for record in caplog.records] == []


def test_a_client_that_closes_its_sending_side_waits_no_longer(server: Server, waiting: Waiting) -> None:
    with connect(server) as client:
        client.sendall(WAIT)
        assert waiting.until(1)
        client.shutdown(socket.SHUT_WR)
        assert rest(client) == b""
    assert waiting.until(0)


def test_who_waits_is_answered_before_the_server_leaves(
    server: Server, waiting: Waiting, thousand: list[socket.socket]
) -> None:
    waiters = thousand[:100]
    for client in waiters:
        client.sendall(WAIT)
    assert waiting.until(100)
    server.stop()
    for client in waiters:
        assert rest(client).startswith(b"HTTP/1.1 200 ")
    assert waiting.until(0)


def test_whoever_asks_in_the_same_process_waits_too(server: Server, waiting: Waiting) -> None:
    told: list[tuple[int, bytes]] = []
    waiter = threading.Thread(target=lambda: told.append(server.ask("GET", "/wait?a", b"", {})))
    waiter.start()
    assert waiting.until(1)
    assert told == []
    waiting.release()
    waiter.join(20)
    assert told == [(200, b"GET a ")]


def test_a_check_that_fails_leaves_the_answer_to_the_app(
    server: Server, waiting: Waiting, reports: list[str]
) -> None:
    with connect(server) as client:
        client.sendall(WAIT)
        assert waiting.until(1)
        waiting.failing = True
        waiting.release()
        assert rest(client).startswith(b"HTTP/1.1 200 ")
    assert reports == []


def test_a_dozen_long_questions_hold_up_no_short_one(server: Server, waiting: Waiting) -> None:
    long = [connect(server) for _ in range(12)]
    for client in long:
        client.sendall(b"GET /block HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for _ in long:
        assert waiting.blocked.acquire(timeout=20)
    assert b" 200 OK" in say(server, GET)
    waiting.unblock.set()
    for client in long:
        assert rest(client).startswith(b"HTTP/1.1 200 ")
        client.close()


def test_answers_that_are_held_back_hold_no_thread_and_go_when_the_server_does(
    server: Server, thousand: list[socket.socket]
) -> None:
    for client in thousand[:100]:
        client.sendall(b"GET /late HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for _ in range(20):
        assert b" 200 OK" in say(server, GET)
    server.stop()
    answers = [rest(client) for client in thousand[:100]]
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
