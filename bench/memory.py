"""Memory: what a server's processes hold after a hundred thousand events, and on the way to a million."""

from __future__ import annotations

import sys
import time

from bench import ours, wiremock
from bench.client import Client
from bench.figures import growth, ratio
from bench.load import fill
from bench.options import Options, folder, main
from bench.process import CannotMeasure, Running
from bench.record import Goal, Record
from bench.tab import opened

NAME = "memory"
OURS = "optilocal's emulator"
TAB = "its viewer, open"
_MILLION = 1_000_000
_SETTLE_S = 2.0


def measure(options: Options, record: Record) -> None:
    """Each server is filled once: what it holds hardly differs from run to run."""
    what = f"memory after {options.recorded:,} events"
    with folder() as place, ours.emulator(place) as running, opened(running.url, record.said.append) as tab:
        points, heap = [(0.0, running.memory_mb())], []
        record.add("memory when started", OURS, points[0][1], "MB")
        steps = [options.recorded]
        if options.million:
            steps += [step for step in range(200_000, _MILLION + 1, 100_000) if step > options.recorded]
        for step in steps:
            _fill(running, step)
            points.append((float(step), running.memory_mb()))
            if tab is not None:
                tab.listen(_SETTLE_S)
                heap.append((float(step), tab.heap_mb()))
            if step == options.recorded:
                record.add(what, OURS, points[-1][1], "MB")
        if heap:
            record.add(f"JavaScript memory after {steps[-1]:,} events", TAB, heap[-1][1], "MB")
        record.add(f"disk after {steps[-1]:,} events", OURS, ours.disk_mb(place), "MB")
        if options.million:
            record.add("memory after 1,000,000 events", OURS, points[-1][1], "MB")
            grown = growth(points[1:])
            record.goals.append(Goal("memory, growth from 100,000 to 1,000,000 events", grown, 0.1, 0.02))
            if heap:
                seen = "open viewer's JavaScript memory, growth from 100,000 to 1,000,000 events"
                record.goals.append(Goal(seen, growth(heap), 0.1, 0.02))
    try:
        with folder() as place, wiremock.running(place) as running:
            fill(running.url, options.recorded)
            time.sleep(0 if options.quick else _SETTLE_S)
            record.add(what, wiremock.NAME, running.memory_mb(), "MB", wiremock.NOTE)
    except CannotMeasure as error:
        record.said.append(f"{wiremock.NAME}: {error}")
    own, theirs = record.value(what, OURS), record.value(what, wiremock.NAME)
    if own and theirs:
        record.goals.append(Goal(f"{what}, by WireMock's", ratio(own, theirs), 0.15, 0.1))


def _fill(running: Running, count: int) -> None:
    """So many events recorded, and found by whoever asks: what works behind capture is done then."""
    with Client(running.url) as client:
        missing = count - ours.recorded(client)
        if missing > 0:
            fill(running.url, missing)
        ours.settled(client)


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
