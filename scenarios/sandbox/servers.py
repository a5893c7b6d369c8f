"""The servers behind sandboxes: each is started when something first needs it, and all are stopped together."""

import re
import secrets
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from optilocal.forwarder.pipeline.retry import RetryPolicy
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings
from optilocal.scenarios.running.emulator_client import EmulatorClient, new_session
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

_NOT_IN_A_NAME = re.compile("[^A-Za-z0-9]+")


class LazyServers:
    """One emulator and one forwarder, each on a free port; with `emulator_url` that running emulator.

    `analytics_js` is the folder of Segment's code for pages. The forwarder tries again at once: a test does not wait for
    Segment's back-off. Raises CannotRun.
    """

    def __init__(self, emulator_url: str | None = None, analytics_js: Path | None = None) -> None:
        self._running_emulator, self._analytics_js = emulator_url, analytics_js
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
            if self._emulator is None and self._running_emulator:
                EmulatorClient(self._running_emulator).health()
                self._emulator = self._running_emulator
            elif self._emulator is None:
                options = ServerOptions(emulator_port=0)
                self._emulator = self._open.enter_context(
                    LocalServers(options, with_forwarder=False)
                ).emulator_url
            return self._emulator

    @property
    def forwarder_url(self) -> str:
        """The forwarder's base URL; starts both."""
        emulator = self.emulator_url
        with self._lock:
            if self._forwarder is None:
                settings = replace(
                    ServerSettings.load(port=0, optimizely=emulator, analytics_js=self._analytics_js),
                    retry=RetryPolicy(base_s=0.0, jitter=0.0),
                )
                self._forwarder = self._open.enter_context(ForwarderServer(settings)).base_url
            return self._forwarder

    def fresh_namespace(self, name: str) -> str:
        """The name of an unused namespace that contains `name` as far as a namespace's name may."""
        with self._lock:
            self._count += 1
            slug = _NOT_IN_A_NAME.sub("-", name).strip("-").lower()[:40]
            return f"{self._token}-{self._count}-{slug}".rstrip("-")

    def client(self, namespace: str | None = None) -> EmulatorClient:
        """A client of one namespace; the caller closes its session."""
        return EmulatorClient(self.emulator_url, namespace, new_session())

    def close(self) -> None:
        """Stop what was started."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
