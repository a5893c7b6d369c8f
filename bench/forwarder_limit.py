"""How many events the forwarder accepts and delivers, against what `requests` itself can do with as many threads.

`python bench/forwarder_limit.py [--workers 1 2 4] [--delay 0 20] [--events 4000]` prints one line a measurement: events a
second, and CPU time an event of the process that made them, which a busy machine changes least.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

DATAFILE = {
    "version": "4",
    "accountId": "12001",
    "projectId": "p-1",
    "revision": "7",
    "anonymizeIP": True,
    "attributes": [{"id": f"a-{number}", "key": f"attribute_{number}"} for number in range(10)],
    "events": [
        {"id": "e-1", "key": "Order Completed", "experimentIds": ["x-1"]},
        *({"id": f"e-{number}", "key": f"Event {number}", "experimentIds": []} for number in range(2, 30)),
    ],
}
TRACK: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "userId": "user-1234567",
    "anonymousId": "3f1c6f0e-8a53-4b8f-9f3e-0d2b9a1c7e55",
    "timestamp": "2026-01-15T12:00:00.000Z",
    "properties": {
        "revenue": 4999,
        "value": 49.99,
        "coupon": "X",
        "products": [{"sku": "a", "price": 49.99}],
    },
    "context": {
        "traits": {"attribute_1": "gold", "attribute_2": True},
        "library": {"name": "analytics.js", "version": "4.4.7"},
        "page": {"path": "/checkout", "title": "Checkout", "url": "https://shop.example/checkout"},
    },
}
BATCH_BODY = json.dumps(
    {
        "account_id": "12001",
        "anonymize_ip": True,
        "client_name": "Segment",
        "enrich_decisions": True,
        "visitors": [
            {
                "snapshots": [
                    {
                        "events": [
                            {
                                "entity_id": "e-1",
                                "timestamp": 1768478400000,
                                "uuid": "m-000000000000",
                                "key": "Order Completed",
                                "revenue": 4999,
                                "value": 49.99,
                                "tags": {"coupon": "X", "products": [{"sku": "a", "price": 49.99}]},
                            }
                        ],
                        "decisions": [],
                    }
                ],
                "visitor_id": "user-1234567",
                "attributes": [{"entity_id": "a-1", "key": "attribute_1", "value": "gold", "type": "custom"}],
            }
        ],
    },
    separators=(",", ":"),
).encode()


_OWN = (b"get /counts ", b"get /hold ", b"get /go ")


class Upstream(asyncio.Protocol):
    """A server that does next to nothing: a datafile, 204, 201, each after `delay` seconds."""

    delay = 0.0
    events = 0
    reports = 0
    held: list[tuple[Any, bytes]] | None = None
    datafile = json.dumps(DATAFILE).encode()

    def connection_made(self, transport: Any) -> None:
        self.transport, self.rest, self.needed = transport, b"", 0

    def data_received(self, data: bytes) -> None:
        self.rest += data
        if len(self.rest) < self.needed:
            return
        self.needed = 0
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head = self.rest[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.rest) < end + 4 + length:
                self.needed = end + 4 + length
                return
            body = self.rest[end + 4 : end + 4 + length]
            self.rest = self.rest[end + 4 + length :]
            answer = self.answer(head, body)
            if head.startswith(_OWN):
                self.transport.write(answer)
            elif Upstream.held is not None:
                Upstream.held.append((self.transport, answer))
            elif Upstream.delay:
                asyncio.get_running_loop().call_later(Upstream.delay, self.transport.write, answer)
            else:
                self.transport.write(answer)

    def answer(self, head: bytes, body: bytes) -> bytes:
        cls = Upstream
        if head.startswith(b"get /hold "):
            cls.held = []
        if head.startswith(b"get /go "):
            for transport, held in cls.held or ():
                transport.write(held)
            cls.held = None
        if head.startswith(_OWN):
            return self.json(b"200 OK", json.dumps([cls.events, cls.reports]).encode())
        if head.startswith(b"get "):
            return self.json(b"200 OK", cls.datafile)
        if b"/_emulator/deliveries" in head[:80]:
            count = body.count(b'"source_event":{')
            numbers = list(range(cls.reports + 1, cls.reports + count + 1))
            cls.reports += count
            found: Any = {"number": numbers[0]} if body.startswith(b"{") else {"numbers": numbers}
            return self.json(b"201 Created", json.dumps(found).encode())
        cls.events += 1
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    @staticmethod
    def json(status: bytes, body: bytes) -> bytes:
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        return head % (status, len(body)) + body


async def serve(delay_ms: float) -> None:
    Upstream.delay = delay_ms / 1000
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def upstream(delay_ms: float) -> Iterator[str]:
    with _process([sys.executable, __file__, "--serve", str(delay_ms)]) as (_, line):
        yield f"http://127.0.0.1:{line}"


@contextmanager
def _process(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def limit(url: str, threads: int, seconds: float) -> tuple[float, float]:
    """Events a second and CPU microseconds an event of plain threads that share a `requests` Session."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_maxsize=threads + 4))
    headers = {"content-type": "application/json"}
    fetch = session.prepare_request(requests.Request("GET", f"{url}/datafiles/shop.json"))
    post = session.prepare_request(
        requests.Request("POST", f"{url}/v1/events", data=BATCH_BODY, headers=headers)
    )
    counts = [0] * threads
    until = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < until:
            for prepared in (fetch, post):
                _ = session.send(prepared, timeout=10, allow_redirects=False).content
            counts[number] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    began, cpu = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return sum(counts) / took, used / sum(counts) * 1e6


@contextmanager
def forwarder(url: str, workers: int, folder: str) -> Iterator[tuple[int, int]]:
    """A forwarder's port and process id."""
    command = [sys.executable, "-m", "forwarder", "--port", "0", "--optimizely", url]
    command += ["--workers", str(workers), "--spool", str(Path(folder) / f"spool-{time.monotonic_ns()}")]
    with _process(command) as (process, line):
        yield int(line.rsplit(":", 1)[1]), process.pid


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ask(connection: HTTPConnection, method: str, path: str, body: bytes | None = None) -> bytes:
    headers = {"authorization": "Basic a2V5Og==", "content-type": "application/json"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{path} answered {answer.status}: {content[:200]!r}")
    return content


def _bodies(events: int, size: int) -> list[bytes]:
    run = time.monotonic_ns()
    rows = [{**TRACK, "messageId": f"m-{run}-{number}"} for number in range(events)]
    if size == 1:
        return [json.dumps(row).encode() for row in rows]
    return [json.dumps({"batch": rows[at : at + size]}).encode() for at in range(0, events, size)]


def accepted(port: int, pid: int, events: int, size: int, clients: int = 4) -> tuple[float, float]:
    """Events a second answered with 200, and CPU microseconds an event, delivery of them included."""
    path, waiting = ("/v1/track" if size == 1 else "/v1/batch"), _bodies(events, size)

    def post() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            try:
                body = waiting.pop()
            except IndexError:
                return
            _ask(connection, "POST", path, body)

    threads = [threading.Thread(target=post) for _ in range(clients)]
    began, cpu = time.perf_counter(), cpu_of(pid)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return events / (time.perf_counter() - began), (cpu_of(pid) - cpu) / events * 1e6


def delivered(url: str, port: int, pid: int, events: int) -> tuple[float, float]:
    """Events a second at the Event API once all have been accepted, and CPU microseconds an event."""
    host = HTTPConnection(url.removeprefix("http://"), timeout=30)
    # Until all have been taken in nothing is answered.
    before, told = json.loads(_ask(host, "GET", "/hold"))
    client = HTTPConnection("127.0.0.1", port, timeout=30)
    for body in _bodies(events, 100):
        _ask(client, "POST", "/v1/batch", body)
    began, cpu = time.perf_counter(), cpu_of(pid)
    first = json.loads(_ask(host, "GET", "/go"))[0]
    rows, reports = first, 0
    while rows < before + events:
        time.sleep(0.05)
        rows, reports = json.loads(_ask(host, "GET", "/counts"))
    took, used = time.perf_counter() - began, cpu_of(pid) - cpu
    while reports < told + events:
        time.sleep(0.05)
        reports = json.loads(_ask(host, "GET", "/counts"))[1]
    reported = time.perf_counter() - began
    print(f"    {rows - first} events in {took:.2f} s, all reported after {reported:.2f} s", flush=True)
    return (rows - first) / took, used / (rows - first) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=float)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--delay", type=float, nargs="+", default=[0, 20])
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=("accepted", "delivered"))
    chosen = parser.parse_args()
    if chosen.serve is not None:
        asyncio.run(serve(chosen.serve))
        return
    with tempfile.TemporaryDirectory() as folder:
        for delay in chosen.delay:
            for workers in chosen.workers if chosen.only != "accepted" else ():
                limits, found = [], []
                for _ in range(chosen.rounds):
                    with upstream(delay) as url:
                        limits.append(limit(url, workers, 1.5))
                        with forwarder(url, workers, folder) as (port, pid):
                            found.append(delivered(url, port, pid, chosen.events))
                most, got = (statistics.median(rate for rate, _ in each) for each in (limits, found))
                cost, spent = (statistics.median(cpu for _, cpu in each) for each in (limits, found))
                print(
                    f"delivered, {delay:g} ms away, {workers} threads: {got:,.0f}/s of {most:,.0f}/s = {got / most:.0%};"
                    f" CPU {spent:,.0f} of {cost:,.0f} us an event",
                    flush=True,
                )
        if chosen.only != "delivered":
            for size in (1, 100):
                # An Optimizely that nobody reaches in time: what is measured is the taking in.
                with upstream(5000) as url, forwarder(url, 4, folder) as (port, pid):
                    rate, cpu = accepted(port, pid, chosen.events if size == 1 else chosen.events * 5, size)
                print(f"accepted, {size} an answer: {rate:,.0f}/s; CPU {cpu:,.0f} us an event", flush=True)


if __name__ == "__main__":
    main()
