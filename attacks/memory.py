"""Resident memory under each attack that once filled it: less than 300 MB."""

from __future__ import annotations

import gzip
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import MEMORY_MB, Served, served

JSON = {"Content-Type": "application/json"}


def large_batches(server: Served) -> str:
    event = {
        "entity_id": "1",
        "key": "a",
        "timestamp": 1768471202000,
        "uuid": "u",
        "tags": {"x": "y" * 3_400_000},
    }
    for number in range(100):
        visitor = {
            "visitor_id": "v",
            "snapshots": [{"decisions": [], "events": [{**event, "uuid": str(number)}]}],
        }
        body = json.dumps({"account_id": "1", "visitors": [visitor]}).encode()
        assert server.ask("POST", "/v1/events", body, **JSON)[0] == 204
    after = rows = 0
    while True:
        page = json.loads(server.ask("GET", f"/_emulator/exchanges?limit=1000&after={after}")[1])
        if not page["exchanges"]:
            break
        rows, after = rows + len(page["exchanges"]), page["next"]
    assert rows == 100
    return "100 batches of 3.4 MB, and their whole listing"


def never_reading(server: Served) -> str:
    body = json.dumps({"account_id": "1", "visitors": [], "x": "y" * 3_000_000}).encode()
    for _ in range(5):
        server.ask("POST", "/v1/events", body, **JSON)
    ask = b"GET /_emulator/exchanges HTTP/1.1\r\nHost: localhost\r\n\r\n"
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    for client in clients:
        client.sendall(ask * 5)
    time.sleep(10)
    for client in clients:
        client.close()
    return "8 clients that ask for 8 MB five times and never read"


def aborted_uploads(server: Served) -> str:
    named = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 31000000\r\n\r\n"
    head = b"POST /_emulator/runs HTTP/1.1\r\n" + named
    body = b"x" * 30_999_999
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(head + body)
    return "40 aborted uploads of 31 MB"


def large_runs(server: Served) -> str:
    for number in range(100):
        run = {"id": str(number), "command": "x", "scenarios": [{"id": "a", "reason": "y" * 20_000_000}]}
        assert server.ask("POST", "/_emulator/runs", json.dumps(run).encode(), **JSON)[0] == 201
    assert len(json.loads(server.ask("GET", "/_emulator/runs?limit=1000")[1])["runs"]) == 100
    return "100 runs of 20 MB"


def headers(server: Served) -> str:
    for number in range(9_990):
        connection_headers = {**JSON, "X-Large": f"{number}" + "y" * 30_000}
        assert (
            server.ask("POST", f"/ns/n{number}/v1/events", b'{"visitors": []}', **connection_headers)[0]
            == 204
        )
    server.ask("GET", "/_emulator/namespaces")
    return "30 KB of headers in each of 10,000 namespaces"


def members(server: Served) -> str:
    body = gzip.compress(b"") * 170_000
    began = time.perf_counter()
    assert server.ask("POST", "/v1/events", body, **JSON, **{"Content-Encoding": "gzip"})[0] == 400
    assert time.perf_counter() - began < 5
    return "170,000 empty gzip members in one body"


def trailers(server: Served) -> str:
    head = (
        b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        try:
            client.sendall(head)
            for number in range(1_000_000):
                client.sendall(b"X-%d: %s\r\n" % (number, b"y" * 1_000))
        except OSError:
            return "trailers without end"
    raise AssertionError("a gigabyte of trailers was taken")


ATTACKS = (large_batches, never_reading, aborted_uploads, large_runs, headers, members, trailers)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_memory(tmp_path: Path, figure: Any, attack: Any) -> None:
    with served("emulator", "--journal", tmp_path / "journal.sqlite") as emulator:
        name = attack(emulator)
        assert emulator.ask("GET", "/_emulator/health")[0] == 200
        most = emulator.most_memory_mb()
    assert most < MEMORY_MB, f"{name}: {most:.0f} MB"
    figure(name, f"{most:.0f} MB of resident memory at most")
