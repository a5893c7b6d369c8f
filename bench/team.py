"""A journal in PostgreSQL beside one in a file: capture that lasts, with one emulator and with two, and questions."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import ours
from bench.batches import DATAFILE, visitor
from bench.client import Client
from bench.figures import median, paired_ratio
from bench.load import fill
from bench.options import Options, folder, main
from bench.process import CannotMeasure, Running, free_port, started
from bench.record import Goal, Record

sys.path.append(str(Path(__file__).parents[1] / "tests"))

NAME = "team"
FILE, ONE, TWO = "SQLite", "PostgreSQL, one emulator", "PostgreSQL, two emulators"
_RATE = "events a second that last, projection included"
_QUESTIONS = {
    "a page of events": "/_emulator/events?limit=100",
    "one visitor's events": f"/_emulator/events?visitor_id={visitor(1)}",
    "one visitor's verdicts": f"/_emulator/verdicts?visitor_id={visitor(1)}&limit=10",
    "results": "/_emulator/results",
}
_ASKED = 15


def measure(options: Options, record: Record) -> None:
    """Alternating: the same load for each in every round, each on a store of its own that syncs to the disk."""
    rates: dict[str, list[float]] = {FILE: [], ONE: [], TWO: []}
    asked: dict[str, dict[str, list[float]]] = {
        name: {what: [] for what in _QUESTIONS} for name in (FILE, ONE)
    }
    with _postgresql() as address:
        for turn in range(options.rounds):
            for name, count in ((FILE, 1), (ONE, 1), (TWO, 2)):
                with folder() as place, ExitStack() as opened:
                    where = str(place / "journal") if name == FILE else f"{address}?schema=r{turn}_{count}"
                    servers = [opened.enter_context(_emulator(where)) for _ in range(count)]
                    rates[name].append(_lasting(servers, options.recorded))
                    if name in asked:
                        for what, taken in _ask(servers[0]).items():
                            asked[name][what].append(taken)
    for name, found in rates.items():
        record.add(_RATE, name, median(found), "/s")
    for name, questions in asked.items():
        for what, taken in questions.items():
            record.add(f"{what}, with {options.recorded:,} recorded", name, median(taken), "ms")
    record.goals.append(
        Goal(
            "lasting capture over PostgreSQL, by SQLite's",
            paired_ratio(rates[ONE], rates[FILE]),
            0.6,
            at_least=True,
        )
    )
    record.goals.append(
        Goal("with two emulators, by one", paired_ratio(rates[TWO], rates[ONE]), 1.0, at_least=True)
    )
    for what in _QUESTIONS:
        slower = paired_ratio(asked[ONE][what], asked[FILE][what])
        record.goals.append(Goal(f"{what} over PostgreSQL, by SQLite's", slower, 3.0))


@contextmanager
def _postgresql() -> Iterator[str]:
    from postgresql_server import serving  # noqa: PLC0415 - beside the tests that start one

    try:
        with serving(durable=True) as server:
            yield server.url()
    except FileNotFoundError as error:
        raise CannotMeasure(str(error)) from None


@contextmanager
def _emulator(journal: str) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "optilocal.emulator", "--port", str(port), "--journal", journal]
    with started([*command, "--datafile", str(DATAFILE)], f"http://127.0.0.1:{port}", ours.HEALTH) as running:
        yield running


def _lasting(servers: list[Running], count: int) -> float:
    """Events a second from the first to when all are projected, shared out among the servers."""
    began = time.perf_counter()
    loads = [threading.Thread(target=fill, args=(each.url, count // len(servers))) for each in servers]
    for load in loads:
        load.start()
    for load in loads:
        load.join()
    with Client(servers[0].url) as client:
        kept = ours.recorded(client)
        taken = time.perf_counter() - began
    if kept < count:
        raise CannotMeasure(f"of {count} events {kept} are kept")
    return kept / taken


def _ask(server: Running) -> Mapping[str, float]:
    """How long each question takes, milliseconds."""
    found = {}
    with Client(server.url) as client:
        for what, path in _QUESTIONS.items():
            times = []
            for _ in range(_ASKED):
                began = time.perf_counter()
                client.json("GET", path)
                times.append((time.perf_counter() - began) * 1000)
            found[what] = median(times)
    return found


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
