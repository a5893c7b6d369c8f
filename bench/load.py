"""The load: wrk with load.lua, bounded in time and count, against 127.0.0.1 only; and what wrk said, read."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack
from urllib.parse import urlsplit

from bench.batches import SDK_KEY, VISITORS, Batch, kinds, write_kinds
from bench.process import CannotMeasure, spawn, stop

SCRIPT = Path(__file__).with_name("load.lua")
EVENTS = "/v1/events"
THREADS, CONNECTIONS = 2, 16
_LONGEST_FILL_S = 1_800
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_seed = 0


@dataclass(frozen=True)
class Load:
    """What one load came to. Times in milliseconds; `errors` are answers above 399 and broken or late connections."""

    requests: int
    seconds: float
    rate: float
    p50: float
    p99: float
    errors: int


def read(text: str) -> Load:
    """What `wrk --latency` printed. Raises ValueError for what is not that."""
    total = re.search(r"^\s*(\d+) requests in ([\d.]+)(us|ms|s|m|h),", text, re.MULTILINE)
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", text, re.MULTILINE)
    spread = dict(re.findall(r"^\s+(50|75|90|99)%\s+([\d.]+(?:us|ms|s|m|h))\s*$", text, re.MULTILINE))
    if total is None or rate is None or not {"50", "99"} <= set(spread):
        raise ValueError(f"this is not what wrk prints: {text.strip()[:200]!r}")
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = sum(map(int, broken.groups())) if broken else 0
    errors += int(refused[1]) if refused else 0
    return Load(
        requests=int(total[1]),
        seconds=_milliseconds(total[2] + total[3]) / 1000,
        rate=float(rate[1]),
        p50=_milliseconds(spread["50"]),
        p99=_milliseconds(spread["99"]),
        errors=errors,
    )


def _milliseconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m|h)", text)
    if found is None:
        raise ValueError(f"{text!r} is no time of wrk's")
    return float(found[1]) * _UNITS[found[2]]


class Kind(TypedDict, total=False):
    """What is sent: `rate` requests a second (0: as many as are answered), `reads` in a hundred of which fetch the
    datafile; the others post `bodies` (by default event batches) to `path` (by default the Event API's). `caught` is the
    port of this machine that answers as the URL's host.
    """

    rate: float
    reads: int
    bodies: Sequence[Batch]
    path: str
    caught: int


def press(url: str, seconds: float, **kind: Unpack[Kind]) -> Load:
    """Load for so many seconds. Raises CannotMeasure."""
    return _wrk(url, max(1, round(seconds)), 0, **kind)


def fill(url: str, count: int, **kind: Unpack[Kind]) -> Load:
    """At least so many requests, and at most one more for each connection. Raises CannotMeasure when they fail."""
    found = _wrk(url, _LONGEST_FILL_S, -(-count // THREADS), **kind)
    if found.requests < count or found.errors:
        raise CannotMeasure(f"of {count} requests {found.requests} were answered, {found.errors} with errors")
    return found


def _wrk(url: str, seconds: int, limit: int, **kind: Unpack[Kind]) -> Load:
    global _seed  # noqa: PLW0603  (every load of a process has ids of its own)
    _seed += 1
    if shutil.which("wrk") is None:
        raise CannotMeasure("there is no wrk on this machine")
    caught = kind.get("caught")
    if caught is None and urlsplit(url).hostname != "127.0.0.1":
        raise CannotMeasure(f"load goes to 127.0.0.1 only, not to {url}")
    with tempfile.TemporaryDirectory() as folder:
        chosen = write_kinds(Path(folder), kind.get("bodies") or kinds(time.time_ns() // 1_000_000))
        seed = (time.time_ns() // 1_000_000_000 + _seed) % 1_000_000
        told = [seed, VISITORS, limit, kind.get("rate", 0) / THREADS, kind.get("reads", 0)]
        told += [kind.get("path", EVENTS), chosen, SDK_KEY]
        how = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
        command = ["wrk", *how, "-s", str(SCRIPT), url, "--", *map(str, told)]
        environment = {**os.environ, "BENCH_CAUGHT_PORT": str(caught)} if caught else None
        process = spawn(command, subprocess.PIPE, subprocess.STDOUT, environment)
        late = threading.Timer(seconds + 60, process.kill)
        late.start()
        try:
            said = _heard(process)
        finally:
            late.cancel()
            stop(process)
    try:
        return read(said)
    except ValueError as error:
        raise CannotMeasure(str(error)) from None


def _heard(process: subprocess.Popen[bytes]) -> str:
    """All that wrk says; it is told to end when each of its threads has sent what it should."""
    assert process.stdout is not None
    lines, full = [], 0
    with process.stdout:
        for line in process.stdout:
            lines.append(line.decode(errors="replace"))
            full += line == b"thread full\n"
            if full == THREADS:
                full = 0
                process.send_signal(signal.SIGINT)
    return "".join(lines)
