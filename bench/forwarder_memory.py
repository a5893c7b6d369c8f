"""The forwarder's memory on the way to half a million source events, each of them accepted, delivered and reported."""

from __future__ import annotations

import sys
import time

from bench import ours
from bench.batches import source_events
from bench.client import Client
from bench.figures import growth
from bench.forwarder import endpoint, reports
from bench.load import fill
from bench.options import Options, folder, main
from bench.process import CannotMeasure
from bench.record import Goal, Record

NAME = "forwarder_memory"
OURS = "optilocal's forwarder"
# The stand-in only counts; there is nothing to wait with at it.
_POLL_S = 0.25
_STUCK_S = 60.0


def measure(options: Options, record: Record) -> None:
    """One forwarder before a stand-in for Optimizely, filled step by step; each step is measured when all is delivered."""
    last = 2_000 if options.quick else 500_000 if options.million else 100_000
    steps = [last * tenth // 10 for tenth in range(1, 11)]
    with (
        folder() as place,
        endpoint(0.0) as optimizely,
        ours.forwarder(place, optimizely.url) as running,
        Client(optimizely.url) as client,
    ):
        record.add("memory when started", OURS, running.memory_mb(), "MB")
        points: list[tuple[float, float]] = []
        for step in steps:
            sent = reports(client)
            began = time.perf_counter()
            fill(running.url, step - sent, bodies=source_events(), path="/v1/track")
            _delivered(client, step)
            rate = (reports(client) - sent) / (time.perf_counter() - began)
            points.append((float(step), running.memory_mb()))
            print(f"  {step:,}: {points[-1][1]:.1f} MB, {rate:,.0f} events a second", flush=True)
            if step in (steps[1], last):
                record.add(f"memory after {step:,} source events", OURS, points[-1][1], "MB")
                record.add(f"source events a second up to {step:,}", OURS, rate, "/s")
        record.series[OURS] = points
        record.add(f"disk after {last:,} source events", OURS, ours.disk_mb(place), "MB")
    if not options.quick:
        what = f"forwarder's memory, growth from {steps[1]:,} to {last:,} source events"
        record.goals.append(Goal(what, growth(points[1:]), 0.1, 0.02))


def _delivered(client: Client, count: int) -> None:
    """Wait until so many events have arrived. Raises CannotMeasure when for a minute none does."""
    seen, since = -1, time.perf_counter()
    while (found := reports(client)) < count:
        if found != seen:
            seen, since = found, time.perf_counter()
        elif time.perf_counter() - since > _STUCK_S:
            raise CannotMeasure(f"of {count:,} source events {found:,} arrived")
        time.sleep(_POLL_S)


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
