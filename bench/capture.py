"""Capture: durable, indexed, queryable `POST /v1/events` beside peers, the same server doing nothing, itself when full."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench import ours
from bench.client import Client
from bench.figures import median, paired_ratio
from bench.load import Load, fill, press
from bench.options import Options, folder, main
from bench.peers import PEERS, WIREMOCK
from bench.process import CannotMeasure, Running
from bench.record import Goal, Record

NAME = "capture"
Server = Callable[[Path], AbstractContextManager[Running]]
OURS = "optilocal"
FULL = "optilocal, full"
BARE = "its server, doing nothing"
_RATE, _P50, _P99 = "POST /v1/events a second", "half are answered in", "99 % are answered in"
_COST = "processor time a request, all threads"
_LAG = "until a last event can be asked for"


def measure(options: Options, record: Record) -> None:
    """Alternating: every round starts each server anew, warms it, and presses it; ours once more when it is full."""
    loads: dict[str, list[Load]] = {}
    costs: dict[str, list[float]] = {}
    lags: list[float] = []
    absent: set[str] = set()
    for _ in range(options.rounds):
        for name, server in _servers():
            if name in absent:
                continue
            try:
                with folder() as place, server(place) as running:
                    load, cost = _pressed(running, options)
                    loads.setdefault(name, []).append(load)
                    costs.setdefault(name, []).append(cost)
                    if name == OURS:
                        lags.append(_full(running, options, loads))
            except CannotMeasure as error:
                absent.add(name)
                loads.pop(name, None)
                record.said.append(f"{name}: {error}")
    _tell(record, loads, lags, options)
    for name in loads:
        if name in costs:
            record.add(_COST, name, median(costs[name]), "µs")


def _servers() -> list[tuple[str, Server]]:
    own: list[tuple[str, Server]] = [(OURS, ours.emulator), (BARE, lambda _: ours.bare())]
    return own + [(peer.name, peer.running) for peer in PEERS]


def _pressed(running: Running, options: Options) -> tuple[Load, float]:
    """The load, and the server's processor time a request in microseconds."""
    # Java is at its best only after some seconds.
    press(running.url, 1 if options.quick else 4)
    before = running.processor_s()
    load = press(running.url, options.seconds)
    return load, (running.processor_s() - before) * 1_000_000 / max(load.requests, 1)


def _full(running: Running, options: Options, loads: dict[str, list[Load]]) -> float:
    """Fill the emulator, press it again, see that nothing is lost; milliseconds until a last event is found."""
    with Client(running.url) as client:
        before = ours.recorded(client)
        if before < options.recorded:
            fill(running.url, options.recorded - before)
        before = ours.recorded(client)
        load = press(running.url, options.seconds)
        loads.setdefault(FULL, []).append(load)
        began = time.perf_counter()
        ours.settled(client)
        lag = (time.perf_counter() - began) * 1000
        kept = ours.recorded(client) - before
        if kept < load.requests + 1 - load.errors:
            raise CannotMeasure(f"{load.requests} events were answered and {kept} are kept")
    return lag


def _tell(record: Record, loads: dict[str, list[Load]], lags: list[float], options: Options) -> None:
    notes = {peer.name: peer.note for peer in PEERS}
    for name, found in loads.items():
        record.add(_RATE, name, median([one.rate for one in found]), "/s", notes.get(name, ""))
        record.add(_P50, name, median([one.p50 for one in found]), "ms")
        record.add(_P99, name, median([one.p99 for one in found]), "ms")
        errors = sum(one.errors for one in found)
        if errors:
            record.add("errors", name, errors, "requests")
    if lags:
        record.add(_LAG, FULL, median(lags), "ms")

    goals = (
        ("capture, by WireMock's rate", OURS, WIREMOCK.name, "rate", 2.0, 3.0),
        ("capture, by the same server doing nothing", OURS, BARE, "rate", 0.35, 0.5),
        ("99 % are answered in, by WireMock's", OURS, WIREMOCK.name, "p99", 0.25, 0.1),
        (f"capture with {options.recorded:,} recorded, by empty", FULL, OURS, "rate", 0.8, 0.9),
    )
    for what, one, other, of, floor, aim in goals:
        if one in loads and other in loads:
            left, right = ([getattr(load, of) for load in loads[name]] for name in (one, other))
            record.goals.append(Goal(what, paired_ratio(left, right), floor, aim, at_least=of == "rate"))


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
