"""What the commands do once their options are read; imported only when one runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any

from rich.console import Console

from forwarder.clock import SystemClock
from scenarios import datafiles
from scenarios.cli import WORKERS
from scenarios.emulator_client import EmulatorClient, forwarder_health
from scenarios.explain import explain
from scenarios.interrupts import dropped_interrupts
from scenarios.loader import load
from scenarios.problems import CannotRun, ScenarioError
from scenarios.reporters.console import ConsoleReporter
from scenarios.reporters.files import check_targets, write_mistakes, write_reports
from scenarios.run import run_with
from scenarios.sandbox import Sandbox, SandboxOptions
from scenarios.scenario import Scenario
from scenarios.selection import select, split_paths
from scenarios.update import again, check_allowed, update
from scenarios.workers import Workers


def run_command(options: argparse.Namespace) -> int:
    """`optilocal run`: 0 when every scenario held, 1 when one did not."""
    check_allowed(options.update)
    try:
        chosen = _chosen(options.paths, options.expression, options.tag, expect_nothing=bool(options.update))
    except ScenarioError as error:
        write_mistakes(error, options)
        raise
    if options.list:
        _list(chosen)
        return 0
    if options.forwarder and not options.emulator:
        raise CannotRun(
            "--forwarder goes with --emulator: a running forwarder reports to the emulator it was started for"
        )
    check_targets(options)
    if options.emulator:
        EmulatorClient(options.emulator).health()
    if options.forwarder:
        forwarder_health(options.forwarder)
    with contextlib.ExitStack() as opened:
        workers = opened.enter_context(Workers(chosen, options.workers, processes=not options.update))
        sandbox = Sandbox(SandboxOptions(emulator_port=0), with_forwarder=False)
        root = options.emulator or opened.enter_context(sandbox).emulator_url
        emulator = EmulatorClient(root)
        stream = sys.stderr if str(options.json) == "-" else sys.stdout
        if options.update:
            updated = _updated(workers, emulator, options, stream)
            workers = opened.enter_context(Workers(updated, options.workers, processes=False))
        reporter = ConsoleReporter(
            stream, quiet=options.quiet, viewer=f"{emulator.root}/" if options.emulator else None
        )
        run = _reported(
            workers, emulator, reporter, options, fail_fast=options.fail_fast, forwarder_url=options.forwarder
        )
    write_reports(run, options, stream)
    return _exit_code(run)


def _reported(
    workers: Workers,
    emulator: EmulatorClient,
    reporter: ConsoleReporter,
    options: argparse.Namespace,
    *,
    until: Callable[[], bool] = lambda: False,
    **how: Any,
) -> dict[str, Any]:
    """Run, and tell the reporter of each scenario and of the end. Raises KeyboardInterrupt once `until` is true, or when
    one was dropped.
    """

    def heard(entry: dict[str, Any]) -> None:
        reporter.scenario(entry)
        if until() or dropped.is_set():
            raise KeyboardInterrupt

    with dropped_interrupts() as dropped, reporter.running(len(workers.scenarios)):
        run = run_with(
            workers,
            emulator,
            run_id=_run_id(),
            command=options.command_line,
            on_result=heard,
            **how,
        )
    reporter.finish(run)
    return run


def _updated(
    workers: Workers, emulator: EmulatorClient, options: argparse.Namespace, stream: IO[str]
) -> Sequence[Scenario]:
    """Run once to see what differs, rewrite that; the scenarios as they then stand in their files."""
    run = run_with(
        workers, emulator, run_id=_run_id(), command=options.command_line, forwarder_url=options.forwarder
    )
    told = update(workers.scenarios, run)
    for line in told.changed:
        print(line, file=stream)
    for line in told.refused:
        print(f"optilocal: {line}", file=sys.stderr)
    return again(workers.scenarios) if told.changed else workers.scenarios


def up_command(options: argparse.Namespace) -> int:
    """`optilocal up`: serve until Ctrl-C; with --run first the scenarios, whose outcome is the exit code.

    Ctrl-C before they have ended raises KeyboardInterrupt.
    """
    chosen = None if options.run is None else _chosen(options.run, None, ())
    named = options.datafile or [name for name in os.environ.get("EMULATOR_DATAFILE", "").split(",") if name]
    sandbox_options = SandboxOptions(
        host=options.host,
        emulator_port=options.emulator_port,
        forwarder_port=options.forwarder_port,
        datafiles=tuple(named) or (str(datafiles.SHOP),),
        settings=options.settings,
        journal=options.journal,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    workers = None if chosen is None else Workers(chosen, WORKERS)
    with Sandbox(sandbox_options, with_forwarder=True) as sandbox:
        print(f"emulator  {sandbox.emulator_url}", flush=True)
        print(f"forwarder {sandbox.forwarder_url}", flush=True)
        code = 0
        if workers is not None:
            reporter = ConsoleReporter(sys.stdout, viewer=f"{sandbox.emulator_url}/")
            with workers:
                run = _reported(
                    workers, EmulatorClient(sandbox.emulator_url), reporter, options, until=stop.is_set
                )
            code = _exit_code(run)
        print(f"viewer    {sandbox.emulator_url}/   (Ctrl-C ends it)", flush=True)
        while not stop.wait(3600):
            pass
    return code


def explain_command(options: argparse.Namespace) -> int:
    """`optilocal explain`: 0 with a verdict, 1 when nothing is known of the message id."""
    emulator = EmulatorClient(options.emulator)
    emulator.health()
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    return 0 if explain(emulator, options.message_id, console) else 1


def _chosen(
    paths: Sequence[str], expression: str | None, tags: Sequence[str], *, expect_nothing: bool = False
) -> list[Scenario]:
    plain, lines = split_paths(paths)
    loaded = load(plain or [datafiles.SUITE], expect_nothing=expect_nothing)
    return select(loaded, lines=lines, expression=expression, tags=tags)


def _list(chosen: Sequence[Scenario]) -> None:
    for scenario in chosen:
        tags = f"  [{', '.join(scenario.tags)}]" if scenario.tags else ""
        print(f"{scenario.id}  {scenario.name}{tags}")


def _run_id() -> str:
    return f"run-{SystemClock().now_ms():x}-{secrets.token_hex(2)}"


def _exit_code(run: dict[str, Any]) -> int:
    """A scenario that could not be run at all is not a difference."""
    counts = run["counts"]
    return 2 if counts["error"] else 1 if counts["failed"] else 0
