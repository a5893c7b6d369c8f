"""`optilocal up` as a process, for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


class Up:
    """A running sandbox and the lines it printed."""

    def __init__(self, folder: Path, *arguments: str, until: str = "viewer") -> None:
        command = [
            sys.executable,
            "-m",
            "optilocal",
            "up",
            "--emulator-port",
            "0",
            "--forwarder-port",
            "0",
            *arguments,
        ]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
        )
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.strip().startswith(until):
                break
        assert self.lines, self.process.stderr.read() if self.process.stderr else ""
        self.emulator = self.lines[0].removeprefix("emulator  ")
        self.forwarder = self.lines[1].removeprefix("forwarder ")

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=30)
        assert errors == ""
        return self.process.returncode

    def kill(self) -> None:
        """End it whatever it does; one that has ended stays so."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
