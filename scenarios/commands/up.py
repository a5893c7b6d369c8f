"""`optilocal up`: both servers and the viewer, until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from optilocal.scenarios.commands.options import FILE, PORT, Command, Many, Separated, option

_NO_DATAFILE = "the shipped shop's; yours with --datafile FILE|URL, or begin one with `optilocal init`"


@click.command("up", cls=Command)
@option(
    "--host", envvar="EMULATOR_HOST", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on."
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
@option(
    "--datafile",
    cls=Many,
    envvar="EMULATOR_DATAFILE",
    metavar="FILE|URL ...",
    help="Datafiles to serve, each under its sdkKey (default: the shipped shop's).",
)
@option(
    "--settings",
    envvar="FORWARDER_SETTINGS",
    type=FILE,
    metavar="FILE",
    help="The destination's settings and mappings, JSON.",
)
@option(
    "--journal",
    envvar="EMULATOR_JOURNAL",
    type=FILE,
    metavar="FILE",
    help="Keep the journal in this file, and what the forwarder accepted in FILE.spool.",
)
@option(
    "--write-key",
    "write_keys",
    envvar="FORWARDER_WRITE_KEY",
    type=Separated(),
    multiple=True,
    metavar="KEY",
    help="A source's write key; what comes with another is answered as by Segment and goes nowhere; may be repeated.",
)
@option(
    "--analytics-js",
    envvar="FORWARDER_ANALYTICS_JS",
    type=FILE,
    metavar="FOLDER",
    help="dist/umd of @segment/analytics-next, for pages with Segment's snippet.",
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
    *,
    host: str,
    emulator_port: int,
    forwarder_port: int,
    datafile: tuple[str, ...],
    settings: Path | None,
    journal: Path | None,
    write_keys: tuple[str, ...],
    analytics_js: Path | None,
    tls: int | None,
    scenarios: tuple[str, ...],
    quiet: bool,
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
    from optilocal.scenarios.running.sandbox import Sandbox, SandboxOptions  # noqa: PLC0415
    from optilocal.serving.server import serve_alone  # noqa: PLC0415

    chosen = None
    if scenarios:
        from optilocal.scenarios.commands.choice import choose  # noqa: PLC0415 - YAML is slow to import

        chosen = choose([path for path in scenarios if path])
    options = SandboxOptions(
        host=host,
        emulator_port=emulator_port,
        forwarder_port=forwarder_port,
        datafiles=datafile or (str(datafiles.SHOP),),
        settings=settings,
        journal=journal,
        write_keys=write_keys,
        analytics_js=analytics_js,
    )
    with endable() as ending:
        workers = None
        if chosen is not None:
            from optilocal.scenarios.commands.reported_run import run_in_sandbox  # noqa: PLC0415 - slow to import
            from optilocal.scenarios.commands.run import WORKERS  # noqa: PLC0415
            from optilocal.scenarios.running.workers import Workers  # noqa: PLC0415

            workers = Workers(chosen, WORKERS)
        with Sandbox(options, with_forwarder=True) as sandbox, ExitStack() as opened:
            serve_alone()
            print(f"emulator  {sandbox.emulator_url}", flush=True)
            print(f"forwarder {sandbox.forwarder_url}", flush=True)
            if tls is not None:
                from optilocal.scenarios.sandbox.named_hosts import NamedHosts  # noqa: PLC0415 - certificates are slow to import

                named = opened.enter_context(
                    NamedHosts(sandbox.emulator_url, sandbox.forwarder_url, host, tls)
                )
                print(f"tls       {named.address}  as the real hosts; trusted by {named.bundle}", flush=True)
            if not datafile and workers is None:
                print(f"datafile  {_NO_DATAFILE}", flush=True)
            code = 0
            if workers is not None:
                code = run_in_sandbox(workers, sandbox.emulator_url, command_line)
            if not quiet:
                threading.Thread(target=_print_verdicts, args=(sandbox.emulator_url,), daemon=True).start()
            try:
                print(f"viewer    {sandbox.emulator_url}/   (Ctrl-C ends it)", flush=True)
                while True:
                    # A signal that comes just before a sleep begins is heeded only at its end.
                    time.sleep(0.5)
            except Ended:
                ending.code = code  # to end is what it was told, and nothing went wrong
    return code


def _print_verdicts(emulator_url: str) -> None:
    """A line for each verdict from now on, until the emulator goes away."""
    from optilocal.scenarios.reporters.verdict_line import verdict_line  # noqa: PLC0415
    from optilocal.scenarios.running.verdict_feed import Selection, follow, newest_cursor  # noqa: PLC0415

    address = urlsplit(emulator_url)

    def ask(path: str) -> dict[str, Any]:
        # Not with requests, which is slow to import: both servers answer before anything like that is loaded.
        connection = HTTPConnection(str(address.hostname), address.port, timeout=60)
        try:
            connection.request("GET", path)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    selection = Selection(namespace="default")
    with contextlib.suppress(OSError, HTTPException, ValueError, KeyError):
        for verdict in follow(ask, selection, newest_cursor(ask, selection)):
            print(verdict_line(verdict, colour=colour), flush=True)
