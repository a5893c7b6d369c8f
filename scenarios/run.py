"""Many scenarios, several at a time, each in a namespace of its own; results in file order whatever ends first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from forwarder.clock import SystemClock
from scenarios.emulator_client import EmulatorClient, new_session
from scenarios.results import new_run, with_scenarios
from scenarios.runner import run_scenario
from scenarios.scenario import Scenario

_PUBLISH_EVERY_S = 0.5
_PUBLISH_SHARE = 30
"""A published run holds all entries so far: the longer one takes, the rarer they are."""
_SYSTEM = SystemClock()


def run_all(
    scenarios: Sequence[Scenario],
    emulator: EmulatorClient,
    *,
    run_id: str,
    command: str,
    workers: int,
    fail_fast: bool = False,
    forwarder_url: str | None = None,
    now_ms: Callable[[], int] = _SYSTEM.now_ms,
    on_result: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Run the scenarios and publish the run to the emulator as it goes on; the finished run document.

    `on_result` hears of each scenario in file order. With `fail_fast` nothing new is begun after a failure.
    """
    run = new_run(run_id, command, emulator.root, now_ms(), len(scenarios))
    emulator.post_run(run)
    entries: list[dict[str, Any]] = []
    publish_at = time.monotonic() + _PUBLISH_EVERY_S

    sessions = threading.local()  # connections live as long as their worker: a scenario takes few requests

    def one(number: int, scenario: Scenario) -> dict[str, Any]:
        if not hasattr(sessions, "own"):
            sessions.own = new_session()
        own = EmulatorClient(emulator.root, f"{run_id}.{number}", sessions.own)
        return run_scenario(scenario, own, now_ms=now_ms(), forwarder_url=forwarder_url)

    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="scenario") as pool:
        futures: list[Future[dict[str, Any]]] = [
            pool.submit(one, n + 1, scenario) for n, scenario in enumerate(scenarios)
        ]
        try:
            for future in futures:
                entry = future.result()
                entries.append(entry)
                on_result(entry)
                if fail_fast and entry["status"] != "passed":
                    break
                if time.monotonic() > publish_at:
                    begun = time.monotonic()
                    emulator.post_run(with_scenarios(run, entries))
                    publish_at = time.monotonic() + max(
                        _PUBLISH_EVERY_S, _PUBLISH_SHARE * (time.monotonic() - begun)
                    )
        finally:
            for future in futures:
                future.cancel()
    finished = with_scenarios(run, entries, finished_at=now_ms())
    emulator.post_run(finished)
    return finished
