"""A run and its readers: the console as it goes on, the viewer, the files at its end, the exit code."""

import contextlib
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

from optilocal.forwarder.clock import SystemClock
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.reporters.console import ConsoleReporter
from optilocal.scenarios.reporters.files import Reports
from optilocal.scenarios.running.emulator_client import EmulatorClient, forwarder_health
from optilocal.scenarios.running.run import run_with
from optilocal.scenarios.running.workers import Workers
from optilocal.serving.printable import printable


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `optilocal run` was asked for. `emulator` and `forwarder` are base URLs of running servers, or None."""

    command_line: str
    reports: Reports
    update: bool
    emulator: str | None
    forwarder: str | None
    workers: int
    fail_fast: bool
    quiet: bool


def run_reported(chosen: Sequence[Scenario], options: RunOptions) -> int:
    """Run the scenarios as the options of `optilocal run` ask; the exit code."""
    options.reports.check_targets()
    emulator = EmulatorClient(options.emulator) if options.emulator else None
    if emulator:
        emulator.health()
    if options.forwarder:
        forwarder_health(options.forwarder)
    with contextlib.ExitStack() as opened:
        workers = opened.enter_context(
            Workers(chosen, options.workers, processes=not options.update, own_emulators=emulator is None)
        )
        stream = options.reports.messages()
        if options.update:
            updated = _updated(workers, emulator, options, stream)
            workers = opened.enter_context(Workers(updated, options.workers, processes=False))
        reporter = ConsoleReporter(
            stream, quiet=options.quiet, viewer=f"{emulator.root}/" if emulator else None
        )
        run = _reported(
            workers,
            emulator,
            reporter,
            options.command_line,
            fail_fast=options.fail_fast,
            forwarder_url=options.forwarder,
        )
    options.reports.write(run, stream)
    return _exit_code(run)


def run_in_sandbox(workers: Workers, emulator_url: str, command_line: str) -> int:
    """Run the scenarios of `optilocal up --run` in the sandbox that is up; the exit code."""
    reporter = ConsoleReporter(sys.stdout, viewer=f"{emulator_url}/")
    with workers:
        run = _reported(workers, EmulatorClient(emulator_url), reporter, command_line)
    return _exit_code(run)


def _reported(
    workers: Workers,
    emulator: EmulatorClient | None,
    reporter: ConsoleReporter,
    command_line: str,
    **how: Any,
) -> dict[str, Any]:
    """Run, and hand each result and the end to the reporter."""
    with reporter.running(len(workers.scenarios)):
        run = run_with(
            workers, emulator, run_id=_run_id(), command=command_line, on_result=reporter.scenario, **how
        )
    reporter.finish(run)
    return run


def _updated(
    workers: Workers, emulator: EmulatorClient | None, options: RunOptions, stream: IO[str]
) -> Sequence[Scenario]:
    """Run once to see what differs, rewrite that; the scenarios as they then stand in their files."""
    from optilocal.scenarios.editing.update import again, update  # noqa: PLC0415

    run = run_with(
        workers, emulator, run_id=_run_id(), command=options.command_line, forwarder_url=options.forwarder
    )
    updated = update(workers.scenarios, run)
    for line in updated.changed:
        print(printable(line), file=stream)
    for line in updated.refused:
        print(f"optilocal: {printable(line)}", file=sys.stderr)
    return again(workers.scenarios) if updated.changed else workers.scenarios


def _run_id() -> str:
    return f"run-{SystemClock().now_ms():x}-{secrets.token_hex(2)}"


def _exit_code(run: dict[str, Any]) -> int:
    """A scenario that could not be run at all is not a difference."""
    counts = run["counts"]
    return 2 if counts["error"] else 1 if counts["failed"] else 0
