"""Runs scenarios side by side: in forked processes where possible, so that every core works; else in threads.

Without a running emulator each process has its own: all processes would wait for a shared one.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.util import Finalize
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from optilocal.forwarder.clock import SystemClock
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.running.emulator_client import EmulatorClient, new_session
from optilocal.scenarios.running.ending import leave_to_parent
from optilocal.scenarios.running.runner import run_scenario

if TYPE_CHECKING:
    import requests

    from optilocal.scenarios.running.servers import LocalServers

_FEWEST = 8
"""With fewer scenarios, starting processes takes longer than it saves."""
_connections = threading.local()
_forked: tuple[Scenario, ...] = ()


class _OwnEmulator:
    """This process's emulator for scenarios that are given none: started by the first one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: LocalServers | None = None

    def client(self, namespace: str, session: requests.Session) -> EmulatorClient:
        """A namespace of it. Raises CannotRun when it cannot be started.

        This process asks it without the network; SDK and forwarder use `session` and HTTP.
        """
        from optilocal.scenarios.running.servers import LocalServers, ServerOptions  # noqa: PLC0415 - slow, and only needed here

        with self._lock:
            if self._servers is None:
                self._servers = LocalServers(ServerOptions(emulator_port=0), with_forwarder=False).__enter__()
            return EmulatorClient(self._servers.emulator_url, namespace, session, self._servers.ask)

    def stop(self) -> None:
        """Stop it when it runs, and leave no file behind."""
        with self._lock:
            servers, self._servers = self._servers, None
        if servers is not None:
            servers.stop()


_own = _OwnEmulator()


class Workers:
    """`count` workers for these scenarios, as a context manager. Open it before any server starts: only a process with
    one thread is forked. What is running when it closes ends first, what waits is not begun.

    `own_emulators`: each process starts an emulator of its own, so its modules are imported once, before the fork.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        count: int,
        *,
        processes: bool = True,
        own_emulators: bool = False,
    ) -> None:
        self.scenarios = tuple(scenarios)
        self._pool: ProcessPoolExecutor | ThreadPoolExecutor
        count = max(1, min(count, len(self.scenarios)))
        self.forked = processes and count > 1 and len(self.scenarios) >= _FEWEST and _can_fork()
        if self.forked:
            self._pool = _forked_pool(self.scenarios, count, own_emulators)
        else:
            self._pool = ThreadPoolExecutor(count, thread_name_prefix="scenario")

    def submit(
        self, index: int, root: str | None, namespace: str, forwarder_url: str | None
    ) -> Future[dict[str, Any]]:
        """Run the scenario at `index` in a namespace of the emulator at `root`; its entry of the run document.

        With `root` None that is an emulator of the worker's process, which ends with these workers.
        """
        if self.forked:
            return self._pool.submit(_run_forked, index, root, namespace, forwarder_url)
        return self._pool.submit(_run, self.scenarios[index], root, namespace, forwarder_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        told_to_end = kind is not None and issubclass(kind, KeyboardInterrupt)
        self._pool.shutdown(wait=not told_to_end, cancel_futures=True)
        if not told_to_end:  # else whatever runs is ended with the command
            _own.stop()


def _can_fork() -> bool:
    """Only on Linux, and only without another thread: a lock that it holds would stay locked in the fork."""
    return sys.platform == "linux" and threading.active_count() == 1


def _forked_pool(scenarios: tuple[Scenario, ...], count: int, own_emulators: bool) -> ProcessPoolExecutor:
    global _forked  # noqa: PLW0603 - a forked process has it already, so it need not be sent
    _forked = scenarios
    # Imported once, before the fork, instead of once in each process.
    if any('"@liquid"' in json.dumps(scenario.mappings) for scenario in scenarios):
        importlib.import_module("optilocal.forwarder.destination.liquid")
    if own_emulators:
        importlib.import_module("optilocal.scenarios.running.servers")
    parent = (os.getpid(), tempfile.tempdir)
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("fork"), _begin, parent)
    pool.submit(os.getpid).result()  # all are forked at the first task
    _forked = ()
    return pool


def _begin(parent: int, folder: str | None) -> None:
    """A worker leaves Ctrl-C to its parent, and ends when the parent is gone, with the folder of their temporary files."""
    leave_to_parent()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        try:
            _own.stop()
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            os._exit(2)

    threading.Thread(target=watch, name="parent", daemon=True).start()
    Finalize(_own, _own.stop, exitpriority=0)


def _run_forked(index: int, root: str | None, namespace: str, forwarder_url: str | None) -> dict[str, Any]:
    return _run(_forked[index], root, namespace, forwarder_url)


def _run(scenario: Scenario, root: str | None, namespace: str, forwarder_url: str | None) -> dict[str, Any]:
    """Connections live as long as their worker: a scenario takes few requests."""
    if not hasattr(_connections, "session"):
        _connections.session = new_session()
    session = _connections.session
    emulator = EmulatorClient(root, namespace, session) if root else _own.client(namespace, session)
    return run_scenario(scenario, emulator, now_ms=SystemClock().now_ms(), forwarder_url=forwarder_url)
