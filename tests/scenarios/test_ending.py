"""Ctrl-C, SIGTERM and SIGHUP, once or twice, at any moment: the command ends, with all it started and all it wrote."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither process groups nor SIGHUP"
)
SLOW = "\n---\n".join(
    f"""scenario: Purchase {number}
steps:
  - fault: {{on: events, latency_ms: 20000}}
  - track: {{userId: u-{number}, event: Order Completed}}
expect:
  tracks: [{{outcome: user_not_activated}}]"""
    for number in range(12)
)
"""It would run for minutes: whatever ends it was the signal."""
MOMENTS = random.Random(20261126)
CASES = [
    (
        MOMENTS.choice(["1", "3", "3", "4"]),
        MOMENTS.choice([signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP]),
        MOMENTS.choice(["group", "parent"]),
        MOMENTS.choice(["start", "begun", "begun", "begun"]),
        round(MOMENTS.uniform(0, 2), 2),
        MOMENTS.choice([None, 0.0, 0.02, 0.1, 0.3]),
    )
    for _ in range(20)
]


@pytest.mark.parametrize(("workers", "number", "to", "since", "after", "again"), CASES)
def test_a_run_ends_at_any_moment_and_leaves_nothing(
    tmp_path: Path,
    workers: str,
    number: signal.Signals,
    to: str,
    since: str,
    after: float,
    again: float | None,
) -> None:
    (tmp_path / "slow.scenario.yaml").write_text(SLOW, encoding="utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    run = subprocess.Popen(
        [sys.executable, "-m", "optilocal", "run", "--workers", workers, "slow.scenario.yaml"],
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(temporary)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while since == "begun" and not list(temporary.iterdir()) and run.poll() is None:
            _let_pass(run, 0.01)
        _let_pass(run, after)
        _send(run, number, to)
        told = time.monotonic()
        if again is not None:
            _let_pass(run, again)
            _send(run, number, to)
        _, errors = run.communicate(timeout=60)
        print(f"ended {time.monotonic() - told:.2f} s later with {run.returncode}")
        # A worker that was killed with its parent is gone a moment later.
        until = time.monotonic() + 10
        while (left := _running(run.pid)) and time.monotonic() < until:
            pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    # Before the interpreter has come to our own first line it ends by the signal itself, or as Python ends.
    assert run.returncode in (128 + number, -number) or (
        run.returncode == 1 and "KeyboardInterrupt" in errors
    )
    assert list(temporary.iterdir()) == []
    assert left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("twice", [False, True])
def test_up_ends_with_its_folder(tmp_path: Path, number: signal.Signals, twice: bool) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    up = subprocess.Popen(
        [sys.executable, "-m", "optilocal", "up", "--emulator-port", "0", "--forwarder-port", "0"],
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert up.stdout is not None
    while not up.stdout.readline().startswith("viewer"):
        assert up.poll() is None
    assert list(temporary.iterdir()) != []
    up.send_signal(number)
    if twice:
        up.send_signal(number)
    _, errors = up.communicate(timeout=60)
    assert errors == ""
    assert up.returncode == 0 or (twice and up.returncode == 128 + number)
    assert list(temporary.iterdir()) == []


def _running(group: int) -> list[str]:
    """The processes of a group that have not ended, as `ps` shows them; those that only wait to be reaped have."""
    shown = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True)
    lines = [line.split(None, 2) for line in shown.stdout.splitlines()]
    return [line[2] for line in lines if line[0] == str(group) and line[1][0] not in "ZX"]


def _let_pass(process: subprocess.Popen[str], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _send(process: subprocess.Popen[str], number: signal.Signals, to: str) -> None:
    with contextlib.suppress(ProcessLookupError):
        if to == "group":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
