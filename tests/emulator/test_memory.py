"""What clients could fill memory with: answers that nobody reads, uploads that break off, large runs, large headers.

`attacks/memory.py` does the same at length, and reads the resident memory of a server's process.
"""

import gc
import json
import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from space import Space

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings


@pytest.fixture
def space(tmp_path: Path, session: requests.Session) -> Iterator[Space]:
    with EmulatorServer(Settings(port=0, journal=tmp_path / "journal.sqlite")) as server:
        yield Space(server.base_url, None, session)


@pytest.fixture
def traced(space: Space) -> Iterator[None]:
    """Every object that is made from now on is counted."""
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


def held_mb() -> float:
    """Megabytes of the objects that were made since and are still there."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1e6


def falls_below(megabytes: float, space: Space) -> bool:
    """Whether so little is held by and by: what a connection that has closed held goes in a later turn of the loop."""
    return any(space.json("health") and held_mb() < megabytes for _ in range(200))


def connect(space: Space) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.settimeout(30)
    client.connect(("127.0.0.1", int(space.root.rsplit(":", 1)[1])))
    return client


def test_of_the_answers_that_a_client_asks_for_and_never_reads_one_is_made(
    space: Space, traced: None
) -> None:
    large = json.dumps({"account_id": "1", "visitors": [], "x": "y" * 3_000_000}).encode()
    for _ in range(2):
        assert space.send(large).status_code == 204
    clients = [connect(space) for _ in range(4)]
    for client in clients:
        client.sendall(b"GET /_emulator/exchanges HTTP/1.1\r\nHost: localhost\r\n\r\n" * 6)
    for client in clients:
        assert client.recv(9) == b"HTTP/1.1 "
    # A page ends behind its first row, which has the body as text and as JSON: 6 MB for each client, and not 36.
    assert falls_below(60, space)
    for client in clients:
        client.close()
    assert falls_below(12, space)


def test_an_upload_that_breaks_off_leaves_nothing_behind(space: Space, traced: None) -> None:
    head = (
        b"POST /_emulator/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 6000000\r\n\r\n"
    )
    body = b"x" * 5_999_999
    for _ in range(10):
        with connect(space) as client:
            client.sendall(head + body)
    assert falls_below(20, space)
    assert space.rows("runs") == []


def test_large_runs_are_listed_without_what_is_in_them(space: Space, traced: None) -> None:
    for number in range(8):
        run = {"id": str(number), "command": "x", "scenarios": [{"id": "a", "reason": "y" * 3_000_000}]}
        assert space.call("POST", "/_emulator/runs", json=run).status_code == 201
    del run
    page = space.get("/_emulator/runs", params={"limit": 1_000})
    assert [each["id"] for each in page.json()["runs"]] == [str(number) for number in range(8)]
    assert len(page.content) < 10_000
    assert falls_below(12, space)
    assert len(space.json("runs/7")["scenarios"][0]["reason"]) == 3_000_000


def test_large_headers_in_many_namespaces_are_recorded_and_not_kept_in_memory(
    space: Space, traced: None
) -> None:
    namespaces = [Space(space.root, f"n{number}", space.session) for number in range(400)]
    for number, each in enumerate(namespaces):
        # The first request of a namespace goes another way than those behind it.
        for way in ("first", "next"):
            headers = {"X-Large": f"{way} {number} " + "y" * 30_000}
            assert each.send(b'{"visitors": []}', headers=headers).status_code == 204
    # Three caches keep the last 256 headers each: 24 MB, and 24 MB more if every request's were kept.
    assert falls_below(36, space)
    tracemalloc.stop()
    assert {row["name"] for row in space.rows("namespaces")} >= {each.name for each in namespaces}
    after, rows, pages = 0, 0, 0
    while True:
        page = space.get("/_emulator/exchanges", params={"ns": "*", "limit": 1_000, "after": after})
        assert len(page.content) < 8_100_000
        found = page.json()
        rows, pages, after = rows + len(found["exchanges"]), pages + 1, found["next"]
        if not found.get("more"):
            break
    assert rows == 800
    assert pages > 2
