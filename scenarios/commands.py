"""What the commands do once their options are read; imported only when one runs."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any

from rich.console import Console

from forwarder.clock import SystemClock
from scenarios import datafiles
from scenarios.emulator_client import EmulatorClient
from scenarios.explain import explain
from scenarios.loader import load
from scenarios.problems import CannotRun, ScenarioError
from scenarios.reporters.console import ConsoleReporter
from scenarios.reporters.files import check_targets, write_mistakes, write_reports
from scenarios.run import run_all
from scenarios.sandbox import Sandbox, SandboxOptions
from scenarios.scenario import Scenario
from scenarios.selection import select, split_paths
from scenarios.update import again, check_allowed, update


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
        emulator = EmulatorClient(options.emulator)
        emulator.health()
        return _run_scenarios(chosen, emulator, options)
    with Sandbox(SandboxOptions(emulator_port=0), with_forwarder=False) as sandbox:
        return _run_scenarios(chosen, EmulatorClient(sandbox.emulator_url), options)


def _run_scenarios(chosen: Sequence[Scenario], emulator: EmulatorClient, options: argparse.Namespace) -> int:
    to_stdout = options.json is not None and str(options.json) == "-"
    lasting = emulator.root + "/" if options.emulator else None
    stream = sys.stderr if to_stdout else sys.stdout
    if options.update:
        chosen = _updated(chosen, emulator, options, stream)
    reporter = ConsoleReporter(stream, quiet=options.quiet, viewer=lasting)
    with reporter.running(len(chosen)):
        run = run_all(
            chosen,
            emulator,
            run_id=_run_id(),
            command=options.command_line,
            workers=options.workers,
            fail_fast=options.fail_fast,
            forwarder_url=options.forwarder,
            on_result=reporter.scenario,
        )
    reporter.finish(run)
    write_reports(run, options, stream)
    return _exit_code(run)


def _updated(
    chosen: Sequence[Scenario], emulator: EmulatorClient, options: argparse.Namespace, stream: IO[str]
) -> Sequence[Scenario]:
    """Run once to see what differs, rewrite that; the scenarios as they then stand in their files."""
    run = run_all(
        chosen,
        emulator,
        run_id=_run_id(),
        command=options.command_line,
        workers=options.workers,
        forwarder_url=options.forwarder,
    )
    told = update(chosen, run)
    for line in told.changed:
        print(line, file=stream)
    for line in told.refused:
        print(f"optilocal: {line}", file=sys.stderr)
    return again(chosen) if told.changed else chosen


def up_command(options: argparse.Namespace) -> int:
    """`optilocal up`: serve until Ctrl-C; with --run first the scenarios, whose outcome is the exit code."""
    chosen = None if options.run is None else _chosen(options.run, None, ())
    named = options.datafile or [
        name for name in os.environ.get("EMULATOR_DATAFILE", "").split(os.pathsep) if name
    ]
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
    with Sandbox(sandbox_options, with_forwarder=True) as sandbox:
        print(f"emulator  {sandbox.emulator_url}", flush=True)
        print(f"forwarder {sandbox.forwarder_url}", flush=True)
        code = 0
        if chosen is not None and not stop.is_set():
            code = _run_in_sandbox(chosen, sandbox, options)
        print(f"viewer    {sandbox.emulator_url}/   (Ctrl-C ends it)", flush=True)
        while not stop.wait(3600):
            pass
    return code


def _run_in_sandbox(chosen: Sequence[Scenario], sandbox: Sandbox, options: argparse.Namespace) -> int:
    reporter = ConsoleReporter(sys.stdout, viewer=sandbox.emulator_url + "/")
    with reporter.running(len(chosen)):
        run = run_all(
            chosen,
            EmulatorClient(sandbox.emulator_url),
            run_id=_run_id(),
            command=options.command_line,
            workers=4,
            on_result=reporter.scenario,
        )
    reporter.finish(run)
    return _exit_code(run)


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
