"""Many scenarios, several at a time, each in a namespace of its own; results in file order whatever ends first."""

import time
from collections.abc import Callable
from typing import Any

from optilocal.forwarder.clock import SystemClock
from optilocal.scenarios.comparing.results import new_run, with_scenarios
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.workers import Workers

_PUBLISH_EVERY_S = 0.5
_PUBLISH_SHARE = 30
"""A published run holds all entries so far: the longer one takes, the rarer they are."""


def run_with(
    workers: Workers,
    emulator: EmulatorClient | None,
    *,
    run_id: str,
    command: str,
    fail_fast: bool = False,
    forwarder_url: str | None = None,
    on_result: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Run the workers' scenarios; the finished run document, published to the emulator as the run goes on.

    Without an emulator the workers have their own, which end with the run, and nothing is published. `on_result` hears
    of each scenario in file order. With `fail_fast` nothing new is begun after a failure.
    """
    clock = SystemClock()
    root = emulator.root if emulator else None
    run = new_run(run_id, command, root, clock.now_ms(), len(workers.scenarios))
    if emulator:
        emulator.post_run(run)
    entries: list[dict[str, Any]] = []
    publish_at = time.monotonic() + _PUBLISH_EVERY_S
    futures = [
        workers.submit(index, root, f"{run_id}.{index + 1}", forwarder_url)
        for index in range(len(workers.scenarios))
    ]
    try:
        for future in futures:
            entry = future.result()
            entries.append(entry)
            on_result(entry)
            if fail_fast and entry["status"] != "passed":
                break
            if emulator and time.monotonic() > publish_at:
                begun = time.monotonic()
                emulator.post_run(with_scenarios(run, entries))
                took = time.monotonic() - begun
                publish_at = time.monotonic() + max(_PUBLISH_EVERY_S, _PUBLISH_SHARE * took)
    finally:
        for future in futures:
            future.cancel()
    finished = with_scenarios(run, entries, finished_at=clock.now_ms())
    if emulator:
        emulator.post_run(finished)
    return finished
