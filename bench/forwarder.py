"""The forwarder: events it takes and events it delivers a second, beside what `requests` can send at all."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from bench import ours
from bench.batches import source_events
from bench.client import Client
from bench.figures import median, paired_ratio
from bench.load import press
from bench.machine import ROOT
from bench.options import Options, folder, main
from bench.process import CannotMeasure, Running, free_port, started
from bench.record import Goal, Record

NAME = "forwarder"
OURS = "optilocal's forwarder"
WHOLE = "requests, same calls, same threads"
BARE = "requests, event posts only"
_POLL_S = 0.02
_SHORT_S = 0.5
# Where it is, milliseconds away, workers, the share of what `requests` can that is wanted.
_PLACES = (("near", 0.0, 4, 0.5), ("20 ms away", 20.0, 4, 0.8), ("20 ms away", 20.0, 32, 0.8))


def measure(options: Options, record: Record) -> None:
    """Alternating: the forwarder and `requests` in turn against the same stand-in."""
    for where, delay, workers, wanted in _PLACES:
        place = f"{where}, {workers} threads"
        took: list[float] = []
        rates: dict[str, list[float]] = {OURS: [], WHOLE: [], BARE: []}
        for _ in range(options.rounds if options.quick else options.rounds + 2):
            with endpoint(delay) as optimizely:
                taken, sent = _forwarded(optimizely, workers, options)
                took.append(taken)
                rates[OURS].append(sent)
                rates[WHOLE].append(_sent(optimizely, workers, options.seconds, "all"))
                rates[BARE].append(_sent(optimizely, workers, options.seconds, "events"))
        record.add(
            f"events accepted a second, {place}", OURS, median(took), "/s", "durable, while it delivers"
        )
        for name, found in rates.items():
            record.add(f"events delivered a second, {place}", name, median(found), "/s")
        by_limit = paired_ratio(rates[OURS], rates[WHOLE])
        record.goals.append(Goal(f"delivered by what requests can, {place}", by_limit, wanted, at_least=True))


@contextlib.contextmanager
def endpoint(delay_ms: float) -> Iterator[Running]:
    """The stand-in for Optimizely, so many milliseconds away."""
    port = free_port()
    command = [sys.executable, "-m", "bench.endpoint", str(port), str(delay_ms)]
    with started(command, f"http://127.0.0.1:{port}", (("GET", "/counts"),)) as running:
        yield running


def _forwarded(optimizely: Running, workers: int, options: Options) -> tuple[float, float]:
    """Events taken a second under load, and events delivered a second once nothing more comes in."""
    with (
        folder() as place,
        ours.forwarder(place, optimizely.url, "--workers", str(workers)) as running,
        Client(optimizely.url) as client,
    ):
        load = press(running.url, options.seconds, bodies=source_events(), path="/v1/track")
        if load.errors:
            raise CannotMeasure(f"the forwarder refused {load.errors} of {load.requests} events")
        first, began, last, ended = reports(client), time.perf_counter(), 0, 0.0
        while time.perf_counter() - began < options.seconds:
            time.sleep(_POLL_S)
            found = reports(client)
            if found == last and found >= load.requests:
                break
            last, ended = found, time.perf_counter()
        if ended - began < _SHORT_S:
            # Delivered as it comes: hardly anything was left when the load ended.
            return load.rate, max(first, last) / (load.seconds + max(ended - began, 0.0))
        return load.rate, (last - first) / (ended - began)


def reports(client: Client) -> int:
    """Event batches that arrived; reports come several in one request, and cannot be counted by requests."""
    return int(client.json("GET", "/counts").get("events", 0))


def _sent(optimizely: Running, threads: int, seconds: float, what: str) -> float:
    command = [sys.executable, "-m", "bench.sender", optimizely.url, str(threads), str(seconds), what]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60, check=False
    )
    if done.returncode:
        raise CannotMeasure(f"requests could not send: {done.stderr.strip().splitlines()[-1]:.200}")
    return float(done.stdout)


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
