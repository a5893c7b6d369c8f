"""Projection: processor time from a recorded event batch to its verdict and counts, in this process and without HTTP."""

from __future__ import annotations

import json
import sys
import time
from random import Random

from bench.batches import DATAFILE, VISITORS, Batch, filled, kinds, uuid_of, visitor
from bench.figures import median
from bench.options import Options, folder, main
from bench.record import Record
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.source import DatafileSources
from optilocal.emulator.journal.records import Exchange
from optilocal.emulator.journal.sqlite import SqliteJournal
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts

NAME = "projection"
_COST = "processor time an event, projection alone"
_HEAD = json.dumps(
    {"path": "/v1/events", "headers": {"Host": "127.0.0.1", "User-Agent": "python-requests/2"}}
)
_LOOKED_AT = 5_000
"""The journal is looked at as often as an emulator does it: after so many events in a burst."""


def measure(options: Options, record: Record) -> None:
    """Every round begins a new journal, records its load in commits of sixteen, and then projects it."""
    sizes = [500] if options.quick else [20_000, 100_000]
    for size in sizes:
        rounds = [_round(size) for _ in range(options.rounds)]
        record.add(_COST, f"of {size:,} at once", median([burst for burst, _ in rounds]), "µs")
        record.add(_COST, f"of one after {size:,}", median([step for _, step in rounds]), "µs")


def _round(size: int) -> tuple[float, float]:
    """Microseconds of processor time an event, of so many at once and of one at a time."""
    with folder() as place:
        journal = SqliteJournal(place / "journal")
        try:
            DatafileSources((str(DATAFILE),), journal, now=lambda: 0, report=print).load()
            projector = Projector(journal, Verdicts(journal, Rules()))
            random, made = Random(7), kinds(time.time_ns() // 1_000_000)

            def capture(count: int) -> None:
                journal.append([_exchange(made, random) for _ in range(count)])

            burst = 0.0
            for _ in range(0, size, _LOOKED_AT):
                for _ in range(0, min(size, _LOOKED_AT), 16):
                    capture(16)
                began = time.process_time()
                projector.catch_up()
                journal.look()
                burst += time.process_time() - began
            steps = []
            for _ in range(200):
                capture(1)
                began = time.process_time()
                projector.catch_up()
                steps.append(time.process_time() - began)
        finally:
            journal.close()
    return burst * 1_000_000 / size, median(steps) * 1_000_000


def _exchange(made: list[Batch], random: Random) -> Exchange:
    body = filled(made[random.randrange(len(made))], visitor(random.randrange(VISITORS)), uuid_of(random))
    return Exchange(
        "default", "events", "POST", 204, time.time_ns() // 1_000_000, True, _HEAD, json.dumps(body).encode()
    )


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
