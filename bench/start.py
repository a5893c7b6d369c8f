"""Start: `optilocal up` and WireMock, from the start of the process to the first good answer; and the small commands."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from bench import wiremock
from bench.client import answers
from bench.figures import median, paired_ratio
from bench.options import Options, folder, main
from bench.process import CannotMeasure, free_port, started
from bench.record import Goal, Record

NAME = "start"
UP = "optilocal up"
_COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "optilocal --version": (sys.executable, "-m", "optilocal.scenarios", "--version"),
    "optilocal run --list": (sys.executable, "-m", "optilocal.scenarios", "run", "--list"),
}


def measure(options: Options, record: Record) -> None:
    """Alternating: a start of each in every round."""
    rounds = 1 if options.quick else 7
    times: dict[str, list[float]] = {UP: [], wiremock.NAME: []}
    for _ in range(rounds):
        times[UP].append(_up())
        if wiremock.NAME in times:
            try:
                with folder() as place, wiremock.running(place) as running:
                    times[wiremock.NAME].append(running.started_s)
            except CannotMeasure as error:
                del times[wiremock.NAME]
                record.said.append(f"{wiremock.NAME}: {error}")
    for name, found in times.items():
        record.add("start to first answer", name, median(found), "s")
    if wiremock.NAME in times:
        by_theirs = paired_ratio(times[UP], times[wiremock.NAME])
        record.goals.append(Goal("start, by WireMock's", by_theirs, 0.4, 0.2))
    commands: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _ in range(2 if options.quick else 11):
        for name, command in _COMMANDS.items():
            commands[name].append(_run(command))
    for name, found in commands.items():
        record.add("a command, start to end", name, median(found), "s")


def _up() -> float:
    """Until both of optilocal's servers say that they are well."""
    emulator, forwarder = free_port(), free_port()
    ports = ["--emulator-port", str(emulator), "--forwarder-port", str(forwarder)]
    command = [sys.executable, "-m", "optilocal.scenarios", "up", *ports]
    url = f"http://127.0.0.1:{emulator}"
    with started(command, url, (("GET", "/_emulator/health"),)) as running:
        began = time.perf_counter()
        while not answers("GET", f"http://127.0.0.1:{forwarder}/_forwarder/health"):
            if running.process.poll() is not None or time.perf_counter() - began > 60:
                raise CannotMeasure("optilocal up serves no forwarder")
            time.sleep(0.002)
        return running.started_s + time.perf_counter() - began


def _run(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
