"""`optilocal tail`: one line a verdict, as they come."""

import json as json_module
import os
import sys
from functools import partial
from typing import Any

import click

from optilocal.scenarios.commands.options import Command, emulator_option, option, verdict_options
from optilocal.serving.printable import printable


@click.command("tail", cls=Command)
@verdict_options
@option(
    "--lines",
    "-n",
    type=click.IntRange(0),
    default=10,
    metavar="N",
    help="Begin with the newest N there are already.",
)
@option(
    "--json",
    "as_json",
    envvar="OPTILOCAL_TAIL_JSON",
    is_flag=True,
    help="Print each verdict as a line of JSON.",
)
@emulator_option()
def command(*, lines: int, as_json: bool, emulator: str, **filters: str | None) -> int:
    """Print one line a verdict as it comes, until Ctrl-C: time (UTC), event, visitor, outcome, the short reason.

    \b
    Examples:
      optilocal tail
      optilocal tail --user u-1
      optilocal tail --outcome unmatched_event_key --json
    """
    from optilocal.scenarios.language.document import check_outcome  # noqa: PLC0415 - `--help` needs none of it
    from optilocal.scenarios.reporters.verdict_line import verdict_line  # noqa: PLC0415
    from optilocal.scenarios.running.emulator_client import EmulatorClient  # noqa: PLC0415
    from optilocal.scenarios.running.verdict_feed import Selection, follow, matching_verdicts, newest_cursor  # noqa: PLC0415

    check_outcome(filters["outcome"])
    client = EmulatorClient(emulator)
    client.health()

    ask = partial(client.call, "GET")

    def show(verdict: dict[str, Any]) -> None:
        line = (
            printable(json_module.dumps(verdict, ensure_ascii=False))
            if as_json
            else verdict_line(verdict, colour=colour)
        )
        click.echo(line)
        sys.stdout.flush()

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    selection = Selection(**filters)
    after = newest_cursor(ask, selection)
    for verdict in matching_verdicts(ask, selection)[-lines:] if lines else ():
        show(verdict)
    for verdict in follow(ask, selection, after):
        show(verdict)
    return 0
