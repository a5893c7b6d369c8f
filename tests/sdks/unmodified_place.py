"""A place for programs that name no address but the real ones: what they send is caught, and nothing else gets out."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optilocal.interception.interception import Interception
from optilocal.scenarios.running.emulator_client import EmulatorClient

PROGRAMS = Path(__file__).parent / "unmodified"


@dataclass
class Place:
    """A namespace with the shop's datafile, and an interception that leads to it and lets nothing else out."""

    emulator: EmulatorClient
    interception: Interception

    def run(self, *command: str, cwd: Path = PROGRAMS) -> str:
        """What a program printed; it must end with 0, and nothing may have been refused or distrusted."""
        environment = {**os.environ, **self.interception.environment}
        done = subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        tally = self.interception.tally
        assert (tally.refused, tally.distrusted, tally.unreached) == ({}, {}, {})
        return done.stdout

    def verdict(self, **filters: str) -> dict[str, Any]:
        """The verdict, once there is one."""
        rows = self.emulator.verdicts(**filters, wait=20, count=1)
        assert len(rows) == 1
        return rows[0]
