"""The servers behind one pytest process: started when something first needs them, stopped when pytest ends."""

from __future__ import annotations

import os
import re
import secrets
import threading
from contextlib import ExitStack
from dataclasses import replace

import pytest

from optilocal.forwarder.pipeline.retry import RetryPolicy
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings
from optilocal.scenarios.running.emulator_client import EmulatorClient, new_session
from optilocal.scenarios.running.sandbox import Sandbox, SandboxOptions

_NOT_IN_A_NAME = re.compile("[^A-Za-z0-9]+")


class PytestSandbox:
    """One emulator and, once asked for, one forwarder, each on a free port; with `emulator_url` that running emulator.

    The forwarder tries again at once: a test does not wait for Segment's back-off. Raises CannotRun.
    """

    def __init__(self, emulator_url: str | None = None) -> None:
        self._given = emulator_url
        self._open = ExitStack()
        self._lock = threading.Lock()
        self._emulator: str | None = None
        self._forwarder: str | None = None
        self._token = secrets.token_hex(3)
        self._count = 0

    @property
    def emulator_url(self) -> str:
        """The emulator's base URL; starts it."""
        with self._lock:
            if self._emulator is None and self._given:
                EmulatorClient(self._given).health()
                self._emulator = self._given
            elif self._emulator is None:
                options = SandboxOptions(emulator_port=0)
                self._emulator = self._open.enter_context(Sandbox(options, with_forwarder=False)).emulator_url
            return self._emulator

    @property
    def forwarder_url(self) -> str:
        """The forwarder's base URL; starts both."""
        emulator = self.emulator_url
        with self._lock:
            if self._forwarder is None:
                settings = replace(
                    ServerSettings.load(port=0, optimizely=emulator),
                    retry=RetryPolicy(base_s=0.0, jitter=0.0),
                )
                self._forwarder = self._open.enter_context(ForwarderServer(settings)).base_url
            return self._forwarder

    def fresh(self, name: str) -> EmulatorClient:
        """A namespace nobody has used, named after a test; whoever asks closes its session."""
        url = self.emulator_url
        with self._lock:
            self._count += 1
            slug = _NOT_IN_A_NAME.sub("-", name).strip("-").lower()[:40]
            return EmulatorClient(url, f"{self._token}-{self._count}-{slug}".rstrip("-"), new_session())

    def close(self) -> None:
        """Stop what was started."""
        self._open.close()


_KEY = pytest.StashKey[PytestSandbox]()


def sandbox_of(config: pytest.Config) -> PytestSandbox:
    """This process's sandbox; `$OPTILOCAL_EMULATOR` names a running emulator to be used in place of its own."""
    if _KEY not in config.stash:
        sandbox = PytestSandbox(os.environ.get("OPTILOCAL_EMULATOR") or None)
        config.stash[_KEY] = sandbox
        config.add_cleanup(sandbox.close)
    return config.stash[_KEY]
