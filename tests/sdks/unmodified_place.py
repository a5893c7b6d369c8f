"""A place for programs that name no address but the real ones: what they send is caught, and nothing else gets out."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from segment_source import SegmentSource

from optilocal.interception.interception import Interception
from optilocal.scenarios.running.emulator_client import EmulatorClient

PROGRAMS = Path(__file__).parent / "unmodified"


@dataclass
class Place:
    """A namespace with the shop's datafile, and an interception that leads to it and lets nothing else out."""

    emulator: EmulatorClient
    forwarder_url: str
    """The forwarder's base URL."""
    interception: Interception

    @property
    def segment(self) -> SegmentSource:
        """The forwarder, and what has become of what it got."""
        return SegmentSource(f"{self.forwarder_url}/ns/{self.emulator.namespace}")

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
        rows = self.emulator.verdicts(**filters, wait=60, count=1)
        assert len(rows) == 1, f"{len(rows)} verdicts of {filters} instead of one; {self._what_came()}"
        return rows[0]

    def _what_came(self) -> str:
        """Everything that is known of this place's events, for a test that has missed one."""
        control = f"{self.forwarder_url}/ns/{self.emulator.namespace}/_forwarder"
        found = {
            "verdicts": self.emulator.verdicts(),
            "exchanges": self.emulator.exchanges(),
            "deliveries": requests.get(f"{control}/deliveries", timeout=10).json(),
            "health": requests.get(f"{self.forwarder_url}/_forwarder/health", timeout=10).json(),
            "tally": repr(self.interception.tally),
        }
        return json.dumps(found, indent=1)
