"""`optilocal record`: what the sandbox saw, as a scenario that passes."""

from typing import Any

import click

from optilocal.scenarios.commands.options import FILE, Command, emulator_option, option


@click.command("record", cls=Command)
@emulator_option()
@option("--namespace", metavar="NS", help="The namespace to record (default: the default one).")
@option(
    "--message-id",
    multiple=True,
    metavar="ID",
    help="Only this event and its visitor's decisions; may be repeated.",
)
@option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Write there, datafiles beside it (default: standard output).",
)
@option("--force", is_flag=True, help="Overwrite files that are there already.")
def command(**chosen: Any) -> int:
    """Write what a running sandbox saw as a scenario, run it once, and tell what came out differently.

    \b
    Examples:
      optilocal record -o checkout.scenario.yaml
      optilocal record --namespace team-a --message-id ajs-next-1768471201000-5d0e4f8a
    """
    from optilocal.scenarios.editing.record import record_namespace  # noqa: PLC0415 - `--help` needs none of it
    from optilocal.scenarios.running.ending import endable  # noqa: PLC0415

    with endable():
        return record_namespace(**chosen)
