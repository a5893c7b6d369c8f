"""WireMock, the fastest of the mock servers that people would pick instead: how it is started, recording, and asked."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from bench import packages
from bench.client import Client
from bench.process import CannotMeasure, Running, free_port, started

NAME = "WireMock"
NOTE = "its journal in memory, everything else as it comes"
EVENTS = "/v1/events"


@contextlib.contextmanager
def running(folder: Path, *more: str) -> Iterator[Running]:
    """WireMock, from its start until it has answered a `POST /v1/events`, to the end of the block.

    Raises CannotMeasure where it cannot be had.
    """
    port = free_port()
    java = packages.java()
    packages.node()
    jars = sorted((packages.MODULES / "wiremock" / "build").glob("*.jar"))
    if not jars:
        raise CannotMeasure("the npm package wiremock has no jar")
    stub = {"request": {"method": "POST", "url": EVENTS}, "response": {"status": 204}}
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings" / "events.json").write_text(json.dumps(stub), encoding="utf-8")
    address = ["--port", str(port), "--bind-address", "127.0.0.1", "--root-dir", str(folder)]
    command = [java, "-jar", str(jars[-1]), *address, "--disable-banner", *more]
    with started(command, f"http://127.0.0.1:{port}", (("POST", EVENTS),)) as found:
        yield found


def find(client: Client, text: str) -> int:
    """How many recorded requests have this text in their body: the cheapest of its matchers, no JSON is read for it."""
    wanted = {"method": "POST", "url": EVENTS, "bodyPatterns": [{"contains": text}]}
    return len(client.json("POST", "/__admin/requests/find", wanted)["requests"])


def last(client: Client) -> int:
    """The last 50 requests."""
    return len(client.json("GET", "/__admin/requests?limit=50")["requests"])
