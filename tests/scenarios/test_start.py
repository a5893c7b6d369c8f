"""What a command loads before it answers: libraries that are slow to import wait until something needs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-X", "importtime", "-m", "optilocal.scenarios"]
ENVIRONMENT = {**os.environ, "NO_COLOR": "1"}
SLOW = {
    "ada_url",
    "deepdiff",
    "jsonschema",
    "liquid",
    "optimizely",
    "rapidfuzz",
    "requests",
    "rich",
    "urllib3",
}
SERVERS = {"flask", "jinja2", "sqlite3", "werkzeug"}


def loaded(importtime: str) -> set[str]:
    """The packages that were imported, out of what `-X importtime` wrote."""
    lines = [line for line in importtime.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


LINE = '{"event": {"type": "track", "event": "a", "userId": "u", "messageId": "m", "timestamp": "2026-01-15T10:00:00Z"}}'


@pytest.mark.parametrize(
    ("arguments", "given", "never"),
    [
        (["--version"], "", SLOW | SERVERS | {"yaml", "json"}),
        (["run", "--help"], "", SLOW | SERVERS | {"yaml"}),
        (["run", "--list"], "", SLOW | SERVERS),
        (["preview"], LINE, SLOW | SERVERS | {"yaml"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_command_that_needs_no_server_loads_none(
    arguments: list[str], given: str, never: set[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    found = loaded(done.stderr)
    assert "optilocal" in found
    assert not found & never


def test_up_answers_on_both_sides_before_anything_slow_is_loaded(tmp_path: Path) -> None:
    up = subprocess.Popen(
        [*COMMAND, "up", "--emulator-port", "0", "--forwarder-port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=ENVIRONMENT,
    )  # fmt: skip
    told: list[str] = []
    assert up.stdout is not None and up.stderr is not None
    reader = threading.Thread(target=lambda stream: told.append(stream.read()), args=(up.stderr,))
    reader.start()
    try:
        addresses = [up.stdout.readline().split("http://")[1].strip() for _ in range(2)]
        for address, server in zip(addresses, ("emulator", "forwarder"), strict=True):
            connection = HTTPConnection(address, timeout=30)
            connection.request("GET", f"/_{server}/health")
            assert connection.getresponse().status == 200
            connection.close()
    finally:
        up.send_signal(signal.SIGINT)
        up.stdout.read()
        up.wait(30)
        reader.join()
        up.stdout.close()
        up.stderr.close()
    found = loaded(told[0])
    assert {"flask", "sqlite3"} <= found
    assert not found & (SLOW | {"yaml"})
