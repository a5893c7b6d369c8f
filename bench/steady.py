"""Steady: mixed load at half of the top rate for a time, the viewer open; what grows, what slows down, what fails."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench import ours, report
from bench.batches import VISITORS, source_events, uuid_of, visitor
from bench.client import Client
from bench.figures import fit, growth, median
from bench.load import Load, press
from bench.options import Options, folder, main, read
from bench.process import CannotMeasure, Running
from bench.questions import LAST, RESULTS, VERDICT, VISITOR, path_of
from bench.record import Goal, Record
from bench.tab import Tab, opened

NAME = "steady"
_READS = 5
_TRACKS_A_SECOND = 10
_ASKED_EVERY_S = 1.0
LONG_MINUTES = 10
"""From so many minutes on growth is judged: before, caches that fill up look like it."""


def name_of(options: Options) -> str:
    """A short run never takes the place of a long one that is kept."""
    return NAME if options.minutes >= LONG_MINUTES or options.quick else report.SHORT


_Series = dict[str, list[tuple[float, float]]]
"""Samples by what was measured: (minute, value)."""


@dataclass
class _Aside:
    """What goes on beside the load: source events through the forwarder, and questions."""

    emulator: str
    forwarder: str
    stop: threading.Event = field(default_factory=threading.Event)
    errors: int = 0
    tracked: list[str] = field(default_factory=list)
    taken: dict[str, list[float]] = field(default_factory=dict)

    def track(self) -> None:
        """Track calls at a steady pace."""
        random, events = Random(11), [json.dumps(event) for event in source_events()]
        with Client(self.forwarder) as client:
            while not self.stop.wait(1 / _TRACKS_A_SECOND):
                message_id = uuid_of(random)
                body = random.choice(events).replace("@UUID@", message_id)
                body = body.replace("@VISITOR@", visitor(random.randrange(VISITORS)))
                self._tried(lambda sent=body: client.ask("POST", "/v1/track", sent.encode()))  # type: ignore[misc]
                self.tracked.append(message_id)
                del self.tracked[:-100]

    def ask(self) -> None:
        """Each question once a second."""
        random = Random(12)
        with Client(self.emulator) as client:
            while not self.stop.wait(_ASKED_EVERY_S):
                for question in (VERDICT, VISITOR, LAST, RESULTS):
                    if question == VERDICT and not self.tracked:
                        continue
                    path = path_of(question, random, self.tracked)
                    self._tried(lambda of=question, at=path: self._timed(client, of, at))  # type: ignore[misc]

    def _timed(self, client: Client, question: str, path: str) -> None:
        self.taken.setdefault(question, []).append(client.timed("GET", path)[0])

    def _tried(self, ask: Callable[[], object]) -> None:
        try:
            ask()
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.errors += 1
            print(f"steady: {type(error).__name__}: {error}", file=sys.stderr)
            time.sleep(0.1)


def measure(options: Options, record: Record) -> None:
    """The top rate first, on servers of their own; then slice after slice of the load, with a sample after each."""
    with folder() as place, ours.emulator(place) as running:
        top = _kept_up_with(running, options.seconds)
    rate, seconds = top / 2, options.minutes * 60
    slice_s = max(3.0, min(60.0, seconds / 6))
    record.add(
        "top rate, mixed, all of it indexed", "optilocal", top, "/s", f"{_READS} of 100 fetch the datafile"
    )
    record.add("rate asked for", "optilocal", rate, "/s", f"and {_TRACKS_A_SECOND} source events a second")
    with (
        folder() as place,
        ours.emulator(place) as emulator,
        ours.forwarder(place, emulator.url) as forwarder,
    ):
        aside = _Aside(emulator.url, forwarder.url)
        with _beside(aside), opened(f"{emulator.url}/#/events", record.said.append) as tab:
            series: _Series = {}
            began = time.perf_counter()
            while (at := time.perf_counter() - began) + slice_s / 2 < seconds:
                load = _pressed(emulator.url, slice_s, rate, tab)
                samples = _sample(load, aside, (emulator, forwarder), place, tab)
                minute = (at + slice_s) / 60
                for name, value in samples.items():
                    series.setdefault(name, []).append((minute, value))
                shown = ", ".join(f"{name} {value:.4g}" for name, value in samples.items())
                print(f"  minute {minute:.1f}: {shown}", flush=True)
    _tell(record, series, options, rate)


def _kept_up_with(running: Running, seconds: float) -> float:
    """The highest rate that lasts: all requests by the time until the last event can be asked for.

    Requests are answered once they are durable; what is only answered and not indexed would pile up for an hour.
    """
    began = time.perf_counter()
    pressed = press(running.url, seconds, reads=_READS)
    ours.settled(Client(running.url))
    return pressed.requests / (time.perf_counter() - began)


@contextlib.contextmanager
def _beside(aside: _Aside) -> Iterator[None]:
    working = [threading.Thread(target=work, daemon=True) for work in (aside.track, aside.ask)]
    for thread in working:
        thread.start()
    try:
        yield
    finally:
        aside.stop.set()
        for thread in working:
            thread.join(10)


def _pressed(url: str, seconds: float, rate: float, tab: Tab | None) -> Load:
    """One slice of load, while the browser's messages are read."""
    found: list[Load | CannotMeasure] = []

    def work() -> None:
        try:
            found.append(press(url, seconds, rate=rate, reads=_READS))
        except CannotMeasure as error:
            found.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        if tab is None:
            thread.join(0.5)
        else:
            tab.listen(0.5)
    (only,) = found
    if isinstance(only, CannotMeasure):
        raise only
    return only


def _sample(
    load: Load, aside: _Aside, servers: tuple[Running, Running], place: Path, tab: Tab | None
) -> dict[str, float]:
    emulator, forwarder = servers
    failed = load.errors + aside.errors
    aside.errors = 0
    found = {
        "rate, /s": load.rate,
        "99 % are answered in, ms": load.p99,
        "errors": float(failed),
        "emulator's memory, MB": emulator.memory_mb(),
        "forwarder's memory, MB": forwarder.memory_mb(),
        "disk, MB": ours.disk_mb(place),
    }
    taken, aside.taken = aside.taken, {}
    for question, times in taken.items():
        # Asked and not answered in the whole slice: it takes at least that long.
        found[f"{question}, ms"] = median(times) if times else load.seconds * 1000
    if tab is not None:
        found["viewer's heap, MB"] = tab.heap_mb()
    return found


def _tell(record: Record, series: _Series, options: Options, rate: float) -> None:
    long = options.minutes >= LONG_MINUTES
    for name, points in series.items():
        what, _, unit = name.rpartition(", ")
        record.add(
            f"{what or name}, median", "optilocal", median([y for _, y in points]), unit if what else ""
        )
        # The first tenth is left out: caches fill up.
        judged = points[len(points) // 10 :]
        with contextlib.suppress(ValueError):
            record.add(f"{what or name}, fitted growth", "optilocal", fit(judged).slope, f"{unit} a minute")
            if long and what and unit in ("MB", "ms", "/s") and what != "disk":
                by = growth(judged)
                of = Goal(f"{what}, fitted growth over {options.minutes:g} minutes", by * 100, 5, 2, unit="%")
                if unit == "/s":
                    of = Goal(f"{what}, fitted growth", by * 100, -2, 0, at_least=True, unit="%")
                record.goals.append(of)
    errors = sum(y for _, y in series.get("errors", []))
    record.goals.append(Goal("errors under steady load", errors, 0))
    rates = [y for _, y in series.get("rate, /s", [])]
    if rates:
        kept = median(rates) / rate
        record.goals.append(Goal("rate kept, by the rate asked for", kept, 0.95, 0.99, at_least=True))


if __name__ == "__main__":
    sys.exit(main(name_of(read()), measure))
