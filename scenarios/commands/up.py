"""`optilocal up`: both servers and the viewer, until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from optilocal.scenarios.commands.options import PORT, Command, Many, option, sandbox_options
from optilocal.scenarios.language.problems import CannotRun
from optilocal.serving.options import Place

if TYPE_CHECKING:
    from optilocal.scenarios.running.servers import LocalServers

_NO_DATAFILE = "the shipped shop's; yours with --datafile FILE|URL, or begin one with `optilocal init`"


@click.command("up", cls=Command)
@option(
    "--host", envvar="EMULATOR_HOST", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on."
)
@option(
    "--open",
    "is_open",
    envvar="EMULATOR_OPEN",
    is_flag=True,
    help="Listen on more than this machine, and let everybody use viewer and control surface.",
)
@option(
    "--emulator-port",
    envvar="EMULATOR_PORT",
    type=PORT,
    default=8410,
    metavar="PORT",
    help="Port of emulator and viewer, 0 for any free one.",
)
@option(
    "--forwarder-port",
    envvar="FORWARDER_PORT",
    type=PORT,
    default=8411,
    metavar="PORT",
    help="Port of the forwarder, 0 for any free one.",
)
@sandbox_options
@option(
    "--journal",
    envvar="EMULATOR_JOURNAL",
    type=Place(),
    metavar="FILE|postgresql://…",
    help="Keep the journal in this file, and what the forwarder accepted in FILE.spool; or both in a PostgreSQL database.",
)
@option(
    "--spool",
    envvar="FORWARDER_SPOOL",
    type=Place(),
    metavar="FILE|postgresql://…",
    help="Keep what the forwarder accepted elsewhere.",
)
@option(
    "--tls",
    envvar="OPTILOCAL_UP_TLS",
    type=PORT,
    metavar="PORT",
    help="Also answer as the real hosts over TLS on this port, 0 for any free one; `optilocal ca` says what to trust.",
)
@option(
    "--run",
    "scenarios",
    cls=Many,
    envvar="OPTILOCAL_UP_RUN",
    or_none=True,
    metavar="[PATH ...]",
    help="Run scenarios once both servers are up; without a path the shipped suite.",
)
@option("--quiet", "-q", is_flag=True, help="Print no line for each verdict as it comes.")
@click.pass_obj
def command(
    command_line: str,
    /,
    *,
    host: str,
    is_open: bool,
    datafile: tuple[str, ...],
    tls: int | None,
    scenarios: tuple[str, ...],
    quiet: bool,
    **server_options: Any,
) -> int:
    """Start the sandbox: emulator, forwarder and viewer, until Ctrl-C.

    Prints one line for each verdict of the default namespace as it comes: time (UTC), event, visitor, outcome, reason.
    With --run the outcome of the scenarios is the exit code.

    \b
    Examples:
      optilocal up
      optilocal up --datafile datafile.json --settings destination.json
      optilocal up --journal sandbox.journal --emulator-port 0 --forwarder-port 0
      optilocal up --tls 8443
    """
    from optilocal.scenarios.language import datafiles  # noqa: PLC0415 - `up --help` needs no server
    from optilocal.scenarios.running.ending import Ended, endable  # noqa: PLC0415
    from optilocal.scenarios.running.servers import LocalServers, ServerOptions  # noqa: PLC0415
    from optilocal.serving.guard import refusal_to_start  # noqa: PLC0415
    from optilocal.serving.server import serve_alone  # noqa: PLC0415

    if refusal_to_start(host, None, is_open=is_open) is not None:
        raise CannotRun(
            f"--host {host} lets other machines in: say --open when everybody may use viewer and control surface, or start"
            " `optilocal emulator` and `optilocal forwarder` with --token"
        )
    chosen = None
    if scenarios:
        from optilocal.scenarios.running.selection import choose  # noqa: PLC0415 - YAML is slow to import

        chosen = choose([path for path in scenarios if path])
    options = ServerOptions(host=host, datafiles=datafile or (str(datafiles.SHOP),), **server_options)
    with endable() as ending:
        workers = None
        if chosen is not None:
            from optilocal.scenarios.commands.reported_run import run_in_sandbox  # noqa: PLC0415 - slow to import
            from optilocal.scenarios.commands.run import WORKERS  # noqa: PLC0415
            from optilocal.scenarios.running.workers import Workers  # noqa: PLC0415

            workers = Workers(chosen, WORKERS)
        with LocalServers(options, with_forwarder=True) as servers, ExitStack() as opened:
            serve_alone()
            servers.record_with(partial(_recorded, servers))
            print(f"emulator  {servers.emulator_url}", flush=True)
            print(f"forwarder {servers.forwarder_url}", flush=True)
            if tls is not None:
                from optilocal.scenarios.sandbox.named_hosts import named_hosts  # noqa: PLC0415 - certificates are slow to import

                address, bundle = opened.enter_context(
                    named_hosts(servers.emulator_url, servers.forwarder_url, host, tls)
                )
                print(f"tls       {address}  as the real hosts; trusted by {bundle}", flush=True)
            if not datafile and workers is None:
                print(f"datafile  {_NO_DATAFILE}", flush=True)
            code = 0
            if workers is not None:
                code = run_in_sandbox(workers, servers.emulator_url, command_line)
            if not quiet:
                threading.Thread(target=_print_verdicts, args=(servers,), daemon=True).start()
            try:
                print(f"viewer    {servers.emulator_url}/   (Ctrl-C ends it)", flush=True)
                while True:
                    # A signal that comes just before a sleep begins is heeded only at its end.
                    time.sleep(0.5)
            except Ended:
                ending.code = code  # ending is what the signal asked for, and nothing went wrong
    return code


def _recorded(servers: LocalServers, namespace: str, message_ids: Sequence[str]) -> tuple[str, list[str]]:
    """What the viewer records. Raises ValueError where nothing can be recorded."""
    from optilocal.scenarios.editing.record import recorded_scenario  # noqa: PLC0415 - YAML is slow to import
    from optilocal.scenarios.running.emulator_client import EmulatorClient  # noqa: PLC0415

    name = None if namespace == "default" else namespace
    emulator = EmulatorClient(servers.emulator_url, name, ask=servers.ask)
    try:
        return recorded_scenario(emulator, message_ids)
    except CannotRun as error:
        raise ValueError(str(error)) from None


def _print_verdicts(servers: LocalServers) -> None:
    """A line for each verdict from now on, until the emulator goes away."""
    from optilocal.scenarios.reporters.verdict_line import verdict_line  # noqa: PLC0415
    from optilocal.scenarios.running.verdict_feed import Selection, follow, newest_cursor  # noqa: PLC0415

    def ask(path: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(servers.ask("GET", path, b"", {})[1])
        return answer

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    selection = Selection(namespace="default")
    with contextlib.suppress(OSError, RuntimeError, ValueError, KeyError):
        for verdict in follow(ask, selection, newest_cursor(ask, selection)):
            print(verdict_line(verdict, colour=colour), flush=True)
