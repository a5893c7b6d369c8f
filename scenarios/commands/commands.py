"""What the commands do once their options are read. What is slow to import is imported by the command that needs it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from optilocal.scenarios.language.problems import CannotRun, ScenarioError

if TYPE_CHECKING:
    from optilocal.scenarios.language.scenario import Scenario


def run_command(options: argparse.Namespace) -> int:
    """`optilocal run`: 0 when every scenario held, 1 when one did not."""
    if options.update:
        from optilocal.scenarios.editing.update import check_allowed  # noqa: PLC0415

        check_allowed(options.update)
    try:
        chosen = _chosen(options.paths, options.expression, options.tag, expect_nothing=bool(options.update))
    except ScenarioError as error:
        from optilocal.scenarios.reporters.files import write_mistakes  # noqa: PLC0415

        write_mistakes(error, options)
        raise
    if options.list:
        _list(chosen)
        return 0
    if options.forwarder and not options.emulator:
        raise CannotRun(
            "--forwarder goes with --emulator: a running forwarder reports to the emulator it was started for"
        )
    from optilocal.scenarios.running.reported_run import run_reported  # noqa: PLC0415

    return run_reported(chosen, options)


def up_command(options: argparse.Namespace) -> int:
    """`optilocal up`: serve until Ctrl-C; with --run first the scenarios, whose outcome is the exit code.

    Ctrl-C before they have ended raises KeyboardInterrupt.
    """
    from optilocal.scenarios.language import datafiles  # noqa: PLC0415
    from optilocal.scenarios.running.sandbox import Sandbox, SandboxOptions  # noqa: PLC0415
    from optilocal.serving.server import serve_alone  # noqa: PLC0415

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
    workers = None
    if chosen is not None:
        from optilocal.scenarios.cli import WORKERS  # noqa: PLC0415
        from optilocal.scenarios.running.reported_run import run_in_sandbox  # noqa: PLC0415
        from optilocal.scenarios.running.workers import Workers  # noqa: PLC0415

        workers = Workers(chosen, WORKERS)
    with Sandbox(sandbox_options, with_forwarder=True) as sandbox:
        serve_alone()
        print(f"emulator  {sandbox.emulator_url}", flush=True)
        print(f"forwarder {sandbox.forwarder_url}", flush=True)
        code = 0
        if workers is not None:
            code = run_in_sandbox(workers, sandbox.emulator_url, options, until=stop.is_set)
        print(f"viewer    {sandbox.emulator_url}/   (Ctrl-C ends it)", flush=True)
        while not stop.wait(3600):
            pass
    return code


def explain_command(options: argparse.Namespace) -> int:
    """`optilocal explain`: 0 with a verdict, 1 when nothing is known of the message id."""
    from rich.console import Console  # noqa: PLC0415

    from optilocal.scenarios.commands.explain import explain  # noqa: PLC0415
    from optilocal.scenarios.running.emulator_client import EmulatorClient  # noqa: PLC0415

    emulator = EmulatorClient(options.emulator)
    emulator.health()
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    return 0 if explain(emulator, options.message_id, console) else 1


def _chosen(
    paths: Sequence[str], expression: str | None, tags: Sequence[str], *, expect_nothing: bool = False
) -> list[Scenario]:
    from optilocal.scenarios.language.datafiles import SUITE  # noqa: PLC0415
    from optilocal.scenarios.language.loader import load  # noqa: PLC0415
    from optilocal.scenarios.running.selection import select, split_paths  # noqa: PLC0415

    plain, lines = split_paths(paths)
    loaded = load(plain or [SUITE], expect_nothing=expect_nothing)
    return select(loaded, lines=lines, expression=expression, tags=tags)


def _list(chosen: Sequence[Scenario]) -> None:
    for scenario in chosen:
        tags = f"  [{', '.join(scenario.tags)}]" if scenario.tags else ""
        sys.stdout.write(f"{scenario.id}  {scenario.name}{tags}\n")
