"""Waiting: what a hundred clients that wait with `wait=` cost capture."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from bench import ours
from bench.batches import visitor
from bench.client import Client
from bench.figures import median, paired_ratio
from bench.load import Load, press
from bench.options import Options, folder, main
from bench.process import CannotMeasure
from bench.record import Goal, Record

NAME = "waiting"
WITH, WITHOUT = "a hundred clients waiting", "nobody waiting"
_CLIENTS = 100
_WAIT_S = 290


def measure(options: Options, record: Record) -> None:
    """Alternating on one emulator, in the order without, with, with, without, so that filling up slows both alike."""
    loads: dict[str, list[Load]] = {WITH: [], WITHOUT: []}
    with folder() as place, ours.emulator(place) as running:
        press(running.url, 1 if options.quick else 4)
        for number in range(3 * options.rounds):
            for name in (WITHOUT, WITH) if number % 2 == 0 else (WITH, WITHOUT):
                # Nothing of the last load is left to index, which would slow this one.
                with Client(running.url) as client:
                    ours.settled(client)
                with _waiting(running.url) if name == WITH else contextlib.nullcontext():
                    loads[name].append(press(running.url, options.seconds / 2))
    for name, found in loads.items():
        record.add("POST /v1/events a second", name, median([one.rate for one in found]), "/s")
        record.add("99 % are answered in", name, median([one.p99 for one in found]), "ms")
    kept = paired_ratio([one.rate for one in loads[WITH]], [one.rate for one in loads[WITHOUT]])
    record.goals.append(Goal("what a hundred waiting clients cost capture", (1 - kept) * 100, 5, unit="%"))


@contextlib.contextmanager
def _waiting(url: str) -> Iterator[None]:
    """Clients whose questions no event of the load answers: by visitor, by message id, and by a number never reached."""
    parts = urlsplit(url)
    questions = [
        "/_emulator/events?visitor_id=nobody-{0}&wait={1}",
        "/_emulator/verdicts?message_id=nobody-{0}&wait={1}",
        f"/_emulator/events?visitor_id={visitor(1)}&count=1000000&wait={{1}}",
        "/_emulator/verdicts?outcome=duplicate&visitor_id=nobody-{0}&wait={1}",
    ]
    with contextlib.ExitStack() as opened:
        clients = []
        for number in range(_CLIENTS):
            client = opened.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=10))
            path = questions[number % len(questions)].format(number, _WAIT_S)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
            client.setblocking(False)
            clients.append(client)
        # All are accepted and wait before the load begins.
        time.sleep(1)
        yield
        for client in clients:
            with contextlib.suppress(BlockingIOError):
                raise CannotMeasure(f"a client that should wait was answered: {client.recv(200)!r:.100}")


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
