"""Scenarios: how long two hundred of the shipped suite take, from the start of the command to its end."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

from bench.figures import median
from bench.machine import ROOT
from bench.options import Options, main
from bench.process import CannotMeasure
from bench.record import Goal, Record

NAME = "suite"
OURS = "optilocal run"
_WANTED = 200


def measure(options: Options, record: Record) -> None:
    """The first two hundred as `optilocal run --list` has them, run again and again."""
    listed = _optilocal("run", "--list")
    names = [line.split("  ", 1)[0] for line in listed.splitlines() if ".scenario.yaml:" in line][:_WANTED]
    if len(names) < _WANTED:
        raise CannotMeasure(f"the shipped suite has {len(names)} scenarios, {_WANTED} are wanted")
    taken, worked = [], []
    for _ in range(2 if options.quick else 5):
        began, before = time.perf_counter(), _worked()
        said = _optilocal("run", "--quiet", *names)
        taken.append(time.perf_counter() - began)
        worked.append(_worked() - before)
        if f"{_WANTED} passed, 0 failed" not in said:
            raise CannotMeasure(
                f"not all of {_WANTED} scenarios passed: {said.strip().splitlines()[-1]:.200}"
            )
    record.add(f"{_WANTED} scenarios", OURS, median(taken), "s")
    record.add(f"{_WANTED} scenarios, processor time", OURS, median(worked), "s")
    record.goals.append(Goal(f"{_WANTED} scenarios", median(taken), 3.0, unit="s"))


def _worked() -> float:
    """Processor time of all commands so far and of their processes, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _optilocal(*arguments: str) -> str:
    command = [sys.executable, "-m", "optilocal.scenarios", *arguments]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CannotMeasure(
            f"optilocal {arguments[0]} ended with {done.returncode}: {said[-1] if said else ''}"
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
