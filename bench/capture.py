"""Capture: durable `POST /v1/events` beside WireMock, and beside itself: full, and on each harder way."""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable, Mapping
from random import Random

from bench import ours, wiremock
from bench.batches import VISITORS, filled, kinds, uuid_of, visitor
from bench.client import Client
from bench.figures import median, paired_ratio
from bench.load import Load, fill
from bench.options import Options, folder, main
from bench.process import CannotMeasure, Running
from bench.record import Goal, Record

NAME = "capture"
OURS, FULL = "optilocal", "optilocal, full"
_RATE, _P50, _P99 = "POST /v1/events a second", "half are answered in", "99 % are answered in"
_COST = "processor time a request, projection included"
_TURNS = 6
_RULE = {"on": "events", "phase": "after", "status": 204}
Way = tuple[Mapping[str, str], Callable[[bytes], bytes]]
_WAYS: dict[str, Way] = {
    "plain": ({}, bytes),
    "gzip": ({"Content-Encoding": "gzip"}, lambda body: gzip.compress(body, 1)),
    "strict": ({"X-Optimizely-Strict": "true"}, bytes),
    "under a fault rule": ({}, bytes),
}


def measure(options: Options, record: Record) -> None:
    """Alternating: a burst for each in every round, each server started anew and warmed."""
    loads: dict[str, list[Load]] = {OURS: [], FULL: [], wiremock.NAME: []}
    costs: dict[str, list[float]] = {way: [] for way in _WAYS}
    for _ in range(options.rounds):
        with folder() as place, ours.emulator(place) as running:
            fill(running.url, options.warm_up)
            with Client(running.url) as client:
                # What the warm-up has left to project is no part of the load.
                ours.settled(client)
                loads[OURS].append(fill(running.url, options.recorded))
                ours.settled(client)
                loads[FULL].append(_full(running, client, options))
                for way, cost in _harder(running, client, options).items():
                    costs[way].append(cost)
        if wiremock.NAME in loads:
            try:
                with folder() as place, wiremock.running(place) as running:
                    fill(running.url, options.warm_up)
                    loads[wiremock.NAME].append(fill(running.url, options.recorded))
            except CannotMeasure as error:
                del loads[wiremock.NAME]
                record.said.append(f"{wiremock.NAME}: {error}")
    for name, found in loads.items():
        note = wiremock.NOTE if name == wiremock.NAME else ""
        record.add(_RATE, name, median([each.rate for each in found]), "/s", note)
        record.add(_P50, name, median([each.p50 for each in found]), "ms")
        record.add(_P99, name, median([each.p99 for each in found]), "ms")
    for way, taken in costs.items():
        record.add(_COST, way, median(taken), "µs")
        if way != "plain":
            by_plain = paired_ratio(taken, costs["plain"])
            record.goals.append(Goal(f"processor time of a request, {way}, by plain", by_plain, 1.3))
    _compared(record, loads, f"{options.recorded:,}")


def _compared(record: Record, loads: Mapping[str, list[Load]], count: str) -> None:
    goals = (
        (f"capture in a burst of {count}, by WireMock's rate", OURS, wiremock.NAME, "rate", 1.2, 2.5),
        ("99 % are answered in, by WireMock's", OURS, wiremock.NAME, "p99", 0.25, 0.1),
        (f"capture with {count} recorded, by empty", FULL, OURS, "rate", 0.9, None),
    )
    for what, one, other, of, floor, aim in goals:
        if other in loads:
            left, right = ([getattr(load, of) for load in loads[name]] for name in (one, other))
            record.goals.append(Goal(what, paired_ratio(left, right), floor, aim, at_least=of == "rate"))


def _full(running: Running, client: Client, options: Options) -> Load:
    """The same burst once more; nothing of it is lost."""
    before = ours.recorded(client)
    load = fill(running.url, options.recorded)
    ours.settled(client)
    kept = ours.recorded(client) - before
    if kept < load.requests:
        raise CannotMeasure(f"{load.requests} events were answered and {kept} are kept")
    return load


def _harder(running: Running, client: Client, options: Options) -> dict[str, float]:
    """Processor time of the server for a request on each way, microseconds; one client, a request after another.

    The ways take turns, back and forth, so that a journal that grows makes none of them dearer than another.
    """
    random, taken = Random(7), dict.fromkeys(_WAYS, 0.0)
    made, size = kinds(time.time_ns() // 1_000_000), options.recorded // 100
    for turn in range(_TURNS):
        for way in list(_WAYS)[:: -1 if turn % 2 else 1]:
            headers, packed = _WAYS[way]
            client.json("PUT", "/_emulator/faults", [_RULE] if way == "under a fault rule" else [])
            bodies = []
            for number in range(size):
                batch = filled(made[number % len(made)], visitor(random.randrange(VISITORS)), uuid_of(random))
                bodies.append(packed(json.dumps(batch).encode()))
            before = running.processor_s()
            for body in bodies:
                client.ask("POST", "/v1/events", body, headers)
            ours.settled(client)
            taken[way] += running.processor_s() - before
    client.json("PUT", "/_emulator/faults", [])
    return {way: spent * 1_000_000 / (size * _TURNS) for way, spent in taken.items()}


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
