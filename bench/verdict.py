"""Time to the verdict: from the first of N events until the last one's verdict can be read, and until all results can.

Beside it WireMock's time from its first request until it finds its last.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from random import Random

from bench import ours, wiremock
from bench.batches import filled, kinds, uuid_of, visitor
from bench.client import Client
from bench.figures import median, paired_ratio
from bench.load import fill
from bench.options import Options, folder, main
from bench.process import CannotMeasure, Running
from bench.record import Goal, Record

NAME = "verdict"
OURS = "optilocal"
# Events → the floors and aims of its ratios for the verdict and for all results.
SIZES = {
    5_000: ((0.5, 0.4), (0.6, 0.5)),
    100_000: ((0.7, 0.4), (1.0, 0.7)),
    400_000: ((0.8, 0.5), (1.3, 0.8)),
}


def measure(options: Options, record: Record) -> None:
    """Alternating: every round starts each server anew, warms it, and times one load for each size."""
    sizes = [500] if options.quick else [size for size in SIZES if options.million or size <= 100_000]
    for size in sizes:
        verdicts: list[float] = []
        results: list[float] = []
        finds: list[float] = []
        for _ in range(options.rounds):
            with folder() as place, ours.emulator(place) as running:
                verdict, result = _ours(running, size, options.warm_up // 4)
                verdicts.append(verdict)
                results.append(result)
            try:
                with folder() as place, wiremock.running(place) as running:
                    finds.append(_wiremock(running, size, options.warm_up))
            except CannotMeasure as error:
                record.said.append(f"{wiremock.NAME}: {error}")
        _tell(record, size, verdicts, results, finds)


def _tell(record: Record, size: int, verdicts: list[float], results: list[float], finds: list[float]) -> None:
    record.add(f"the verdict on the last of {size:,}", OURS, median(verdicts), "s")
    record.add(f"all results of {size:,}", OURS, median(results), "s")
    record.add(f"an event, of {size:,}, to its verdict", OURS, median(verdicts) / size * 1_000_000, "µs")
    if not finds:
        return
    record.add(f"finding the last of {size:,}", wiremock.NAME, median(finds), "s", wiremock.NOTE)
    for what, mine, bounds in zip(
        ("verdict", "results"), (verdicts, results), SIZES.get(size, ()), strict=False
    ):
        record.goals.append(Goal(f"{what} of {size:,}, by WireMock's", paired_ratio(mine, finds), *bounds))


def _ours(running: Running, size: int, warm_up: int) -> tuple[float, float]:
    """Seconds until the last event's verdict is read, and until the results that have it are."""
    with Client(running.url) as client:
        fill(running.url, warm_up)
        ours.settled(client)
        before = _counted(client)
        began = time.perf_counter()
        uuid = _load(running.url, client, size)
        if not client.json("GET", f"/_emulator/verdicts?uuid={uuid}&wait=300")["verdicts"]:
            raise CannotMeasure("the last event has no verdict after five minutes")
        verdict = time.perf_counter() - began
        client.json("GET", "/_emulator/results")
        result = time.perf_counter() - began
        if _counted(client) <= before:
            raise CannotMeasure("nothing of the load is in the results")
    return verdict, result


def _counted(client: Client) -> int:
    """How many conversions the results have."""
    experiments = client.json("GET", "/_emulator/results")["experiments"]
    return sum(
        metric["total"]
        for experiment in experiments.values()
        for variation in experiment["variations"].values()
        for metric in variation["metrics"].values()
    )


def _wiremock(running: Running, size: int, warm_up: int) -> float:
    """Seconds until its last request is found."""
    with Client(running.url) as client:
        fill(running.url, warm_up)
        began = time.perf_counter()
        uuid = _load(running.url, client, size)
        _until(lambda: wiremock.find(client, uuid) > 0)
        return time.perf_counter() - began


def _load(url: str, client: Client, size: int) -> str:
    """Send that many events, and one more last; the uuid of the last."""
    fill(url, size - 1)
    uuid = uuid_of(Random())
    last = filled(kinds(time.time_ns() // 1_000_000)[1], visitor(1), uuid)
    client.ask("POST", "/v1/events", json.dumps(last).encode())
    return uuid


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if holds():
            return
    raise CannotMeasure("WireMock does not find its last request")


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
