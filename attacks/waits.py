"""Clients that wait: a thousand being taken in hold nobody up, and 5,000 that have left cost nothing a second later."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

from conftest import MEMORY_MB, Served, served

WAITS, AT_ONCE = 5_000, 1_000
ASK = b"GET /_emulator/verdicts?wait=60&count=9999 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def asked(server: Served, path: str) -> float:
    """Seconds until the answer."""
    began = time.perf_counter()
    assert server.ask("GET", path)[0] == 200
    return time.perf_counter() - began


def waiters(server: Served, count: int, question: bytes) -> list[socket.socket]:
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]
    for client in clients:
        client.sendall(question)
    return clients


def test_five_thousand_abandoned_waits(figure: Any) -> None:
    with served("emulator") as emulator:
        clients = waiters(emulator, AT_ONCE, ASK)
        taken_in = max(asked(emulator, "/_emulator/health") for _ in range(20))
        for client in clients:
            client.close()
        for client in waiters(emulator, WAITS, ASK):
            client.close()
        time.sleep(1)
        before = emulator.processor_s()
        time.sleep(1)
        used = emulator.processor_s() - before
        after = max(asked(emulator, path) for path in ("/_emulator/health", "/_emulator/datafiles", "/"))
        most = emulator.most_memory_mb()
    # Whatever else the machine does meanwhile: once a thousand waits kept health waiting for 3 s, 5,000 for a minute.
    assert taken_in < 3
    assert after < 3
    assert used < 0.8
    assert most < MEMORY_MB
    figure(f"`/_emulator/health` while {AT_ONCE:,} waits are taken in", f"{taken_in * 1000:.0f} ms at most")
    figure(
        f"{WAITS:,} waits abandoned at once",
        f"a second later they cost {used:.2f} s of processor time a second, and health, datafiles and viewer answer in"
        f" {after * 1000:.0f} ms; {most:.0f} MB at most",
    )


def test_listings_of_the_forwarder_that_wait(figure: Any) -> None:
    with served("emulator") as emulator, served("forwarder", "--optimizely", emulator.url) as forwarder:
        question = ASK.replace(b"_emulator/verdicts", b"_forwarder/deliveries").replace(b"9999", b"1000")
        clients = waiters(forwarder, 20, question)
        body = json.dumps({"event": "a", "userId": "u", "writeKey": "k"}).encode()
        began = time.perf_counter()
        for _ in range(100):
            assert forwarder.ask("POST", "/v1/track", body, **{"Content-Type": "application/json"})[0] == 200
        seconds = time.perf_counter() - began
        for client in clients:
            client.close()
    assert threading.active_count() < 20
    assert seconds < 10
    figure("100 events while 20 listings of the forwarder wait for 1,000", f"accepted in {seconds:.1f} s")
