"""A server process of a bench: started with everything below it in a group of its own, and always stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.client import answers
from bench.machine import ROOT

_START_S = 60.0
_STOP_S = 10.0
_POLL_S = 0.002
_alive: list[subprocess.Popen[bytes]] = []


class CannotMeasure(Exception):
    """Something that a bench needs is not here or does not work; the text is one line."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Running:
    """A server that has answered. `started_s` is how long that took from the start of its process."""

    url: str
    process: subprocess.Popen[bytes]
    started_s: float

    def processes(self) -> list[int]:
        """The ids of the process and all below it."""
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError, ValueError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        found = [self.process.pid]
        for one in found:
            found += [child for child, parent in parents.items() if parent == one]
        return found

    def memory_mb(self) -> float:
        """Resident memory of the whole process tree in megabytes (1,000,000 bytes)."""
        total = 0
        for one in self.processes():
            with contextlib.suppress(OSError):
                pages = int(Path(f"/proc/{one}/statm").read_text().split()[1])
                total += pages * os.sysconf("SC_PAGE_SIZE")
        return total / 1_000_000

    def processor_s(self) -> float:
        """Processor time that the whole process tree has used, in seconds."""
        total = 0.0
        for one in self.processes():
            with contextlib.suppress(OSError, IndexError):
                fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total


@contextlib.contextmanager
def started(
    command: Sequence[str],
    url: str,
    probes: Sequence[tuple[str, str]] = (("GET", "/"),),
) -> Iterator[Running]:
    """A server from its start to the end of the block; it has answered each of `probes` with 2xx when this yields.

    Raises CannotMeasure with what it said where it does not answer.
    """
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = spawn(command, said, said)
        try:
            for method, path in probes:
                while not answers(method, url + path):
                    gone, late = process.poll() is not None, time.perf_counter() - began > _START_S
                    if gone or late:
                        said.seek(0)
                        lines = said.read().decode(errors="replace").split("\n")
                        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
                        why = "ended" if gone else f"gave no answer in {_START_S:g} s"
                        raise CannotMeasure(f"{Path(command[0]).name} {why}; its last line: {last:.200}")
                    time.sleep(_POLL_S)
            yield Running(url, process, time.perf_counter() - began)
        finally:
            stop(process)


def spawn(
    command: Sequence[str],
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that a Ctrl-C is heard by the bench alone, which then stops all."""
    process = subprocess.Popen(
        list(command),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=environment,
        start_new_session=True,
    )
    _alive.append(process)
    return process


def stop_all() -> None:
    """End whatever still runs: what a thread of the bench had started when the bench was ended."""
    for process in list(_alive):
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group: asked first, then forced."""
    if process in _alive:
        _alive.remove(process)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
