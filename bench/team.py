"""A journal in PostgreSQL beside one in a file: capture that lasts, with one emulator and with two, and questions."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import ours
from bench.batches import DATAFILE
from bench.client import Client
from bench.figures import median, paired_ratio
from bench.load import fill
from bench.options import Options, folder, main
from bench.process import CannotMeasure, Running, free_port, started
from bench.questions import ALL_RESULTS, Sender, asked
from bench.record import Goal, Record

sys.path.append(str(Path(__file__).parents[1] / "tests"))

NAME = "team"
FILE, ONE, TWO = "SQLite", "PostgreSQL, one emulator", "PostgreSQL, two emulators"
_RATE = "events a second that last, projection included"
_PAGE = "a page of 1,000 verdicts"
_MOST_MS, _MOST_TIMES = 20.0, 3.0


def measure(options: Options, record: Record) -> None:
    """Capture alternating: the same load for each in every round, each on a store of its own that syncs to the disk. Then
    each question over a store that is filled step by step.
    """
    rates: dict[str, list[float]] = {FILE: [], ONE: [], TWO: []}
    with _postgresql() as address:
        for turn in range(options.rounds):
            for name, count in ((FILE, 1), (ONE, 1), (TWO, 2)):
                with folder() as place, ExitStack() as opened:
                    where = str(place / "journal") if name == FILE else f"{address}?schema=r{turn}_{count}"
                    servers = [opened.enter_context(_emulator(where)) for _ in range(count)]
                    rates[name].append(_lasting(servers, options.recorded))
        for name, found in rates.items():
            record.add(_RATE, name, median(found), "/s")
        lasting = paired_ratio(rates[ONE], rates[FILE])
        record.goals.append(Goal("lasting capture over PostgreSQL, by SQLite's", lasting, 0.6, at_least=True))
        both = paired_ratio(rates[TWO], rates[ONE])
        record.goals.append(Goal("with two emulators, by one", both, 1.0, at_least=True))
        _ask(options, record, address)


def _ask(options: Options, record: Record, address: str) -> None:
    """The same questions of both stores, and how large these are."""
    steps = [options.recorded, 1_000_000] if options.million else [options.recorded]
    answered: dict[str, dict[tuple[str, int], float]] = {}
    for name in (FILE, ONE):
        with folder() as place:
            where = str(place / "journal") if name == FILE else f"{address}?schema=asked"
            with (
                _emulator(where, "--max-events", str(2 * steps[-1])) as running,
                Client(running.url) as client,
            ):
                sender = Sender(running.url)
                for step in steps:
                    sender.fill_to(step, client)
                    found = asked(sender, client, 5 if options.quick else 31)
                    pages = [client.timed("GET", "/_emulator/verdicts?limit=1000")[0] for _ in range(5)]
                    for question, taken in {**found, _PAGE: median(pages)}.items():
                        answered.setdefault(name, {})[question, step] = taken
                        record.add(f"{question}, {step:,} recorded", name, taken, "ms")
                    size = ours.disk_mb(place) if name == FILE else _size_mb(address, "asked")
                    record.add(f"on the disk, {step:,} recorded", name, size, "MB")
    for (question, step), taken in answered[ONE].items():
        what = f"{question} over PostgreSQL, {step:,} recorded"
        record.goals.append(Goal(f"{what}, by SQLite's", taken / answered[FILE][question, step], _MOST_TIMES))
        if question not in (ALL_RESULTS, _PAGE):
            record.goals.append(Goal(what, taken, _MOST_MS, unit="ms"))


def _size_mb(address: str, schema: str) -> float:
    """What the tables of a schema take with their indexes, in megabytes."""
    import psycopg  # noqa: PLC0415 - not everybody who runs a bench has it

    sql = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)"
    with psycopg.connect(address) as db:
        [size] = db.execute(sql, (schema,)).fetchall()[0]
    return float(size) / 1_000_000


@contextmanager
def _postgresql() -> Iterator[str]:
    from postgresql_server import serving  # noqa: PLC0415 - beside the tests that start one

    try:
        with serving(durable=True) as server:
            yield server.url()
    except FileNotFoundError as error:
        raise CannotMeasure(str(error)) from None


@contextmanager
def _emulator(journal: str, *more: str) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "optilocal.emulator", "--port", str(port), "--journal", journal, *more]
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


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
