"""`--log json`: every line that the commands of both servers write on standard error is a JSON object."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from optilocal.scenarios.language.datafiles import SHOP

TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@contextlib.contextmanager
def running(
    server: str, *arguments: str, **environment: str
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server's command as a process, and the address that it says."""
    with subprocess.Popen(
        [sys.executable, "-m", "optilocal", server, "--port", "0", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1], process
        finally:
            process.terminate()


def ended(*arguments: str) -> list[str]:
    """The lines on standard error of a command that could not serve."""
    done = subprocess.run(
        [sys.executable, "-m", "optilocal", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()


def read(line: str, server: str) -> tuple[str, str]:
    """Level and message of a line."""
    row: dict[str, Any] = json.loads(line)
    assert list(row) == ["time", "level", "server", "message"]
    assert TIME.fullmatch(row["time"])
    assert row["server"] == server
    return row["level"], row["message"]


@pytest.fixture
def nameless(tmp_path: Path) -> Path:
    """A datafile without an sdkKey, of which the emulator says something when it starts."""
    content = json.loads(SHOP.read_text("utf-8"))
    del content["sdkKey"]
    path = tmp_path / "nameless.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_the_emulator_logs_json_where_that_is_asked_for(nameless: Path) -> None:
    with running("emulator", "--datafile", str(nameless), EMULATOR_LOG="json") as (_, process):
        process.terminate()
        _, said = process.communicate(timeout=30)
    [line] = said.splitlines()
    level, message = read(line, "emulator")
    assert (level, message.startswith(f"{nameless} has no sdkKey")) == ("warning", True)


def test_the_emulator_logs_plain_text_otherwise(nameless: Path) -> None:
    with running("emulator", "--datafile", str(nameless)) as (_, process):
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert said.startswith(f"emulator: {nameless} has no sdkKey")


def test_the_forwarder_logs_json_where_that_is_asked_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running("forwarder", "--optimizely", nobody, "--log", "json") as (address, process):
            requests.post(f"{address}/v1/track", json={"event": "Order", "userId": "u"}, timeout=30)
            process.terminate()
            _, said = process.communicate(timeout=30)
    lines = [read(line, "forwarder") for line in said.splitlines()]
    assert ("error", "1 deliveries were still waiting and are lost; --spool FILE keeps them") in lines


@pytest.mark.parametrize("server", ["emulator", "forwarder"])
def test_why_a_server_cannot_start_is_logged_as_json_too(server: str, tmp_path: Path) -> None:
    kept = {"emulator": "--journal", "forwarder": "--spool"}[server]
    for arguments, named in (
        (["--port", "x", "--log", "json"], "'x' is not a valid integer"),
        (["--log", "json", "--port", "0", kept, str(tmp_path)], str(tmp_path)),
        # The pool of connections logs by itself what it meets.
        (["--log", "json", "--port", "0", kept, "postgresql://nobody@127.0.0.1:1/none"], "127.0.0.1"),
    ):
        [line] = ended(server, *arguments)
        level, message = read(line, server)
        assert level == "error"
        assert named in message
    [line] = ended(server, "--log", "xml")
    assert line.startswith(f"{server}: ")
    assert "'xml' is not one of 'plain', 'json'" in line
