"""How optilocal's servers are started for a bench, and how they are asked."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench.batches import DATAFILE, filled, kinds, uuid_of, visitor
from bench.client import Client
from bench.process import CannotMeasure, Running, free_port, started

HEALTH = (("GET", "/_emulator/health"),)


@contextlib.contextmanager
def emulator(folder: Path, *more: str) -> Iterator[Running]:
    """An emulator with a durable journal in `folder`."""
    port = free_port()
    command = [sys.executable, "-m", "optilocal.emulator", "--port", str(port)]
    command += ["--journal", str(folder / "journal"), "--datafile", str(DATAFILE), *more]
    with started(command, f"http://127.0.0.1:{port}", HEALTH) as running:
        yield running


@contextlib.contextmanager
def forwarder(folder: Path, optimizely: str, *more: str) -> Iterator[Running]:
    """A forwarder with a durable spool in `folder`, in front of `optimizely`."""
    port = free_port()
    sdk_key = json.loads(DATAFILE.read_text(encoding="utf-8"))["sdkKey"]
    command = [sys.executable, "-m", "optilocal.forwarder", "--port", str(port), "--optimizely", optimizely]
    command += ["--datafile-url", f"https://cdn.optimizely.com/datafiles/{sdk_key}.json"]
    command += ["--spool", str(folder / "spool"), *more]
    with started(command, f"http://127.0.0.1:{port}", (("GET", "/_forwarder/health"),)) as running:
        yield running


@contextlib.contextmanager
def bare() -> Iterator[Running]:
    """The emulator's server with a callable that does nothing."""
    port = free_port()
    command = [sys.executable, "-m", "bench.bare", str(port)]
    with started(command, f"http://127.0.0.1:{port}", (("POST", "/v1/events"),)) as running:
        yield running


def recorded(client: Client) -> int:
    """How many events the emulator has, by the number of its newest."""
    return int(client.json("GET", "/_emulator/events?limit=1&order=newest")["last"])


def settled(client: Client) -> None:
    """Wait until what the emulator does behind capture is done: a last event that is sent now can be asked for."""
    uuid = uuid_of(Random())
    last = filled(kinds(time.time_ns() // 1_000_000)[1], visitor(1), uuid)
    client.ask("POST", "/v1/events", json.dumps(last).encode())
    if not client.json("GET", f"/_emulator/events?uuid={uuid}&wait=120")["events"]:
        raise CannotMeasure("an event that was answered cannot be asked for after two minutes")


def disk_mb(folder: Path) -> float:
    """What the files in a folder take, in megabytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1_000_000
