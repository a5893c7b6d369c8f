"""`optilocal explain`: the verdict on one event, in words."""

from __future__ import annotations

import click

from optilocal.scenarios.commands.options import Command, emulator_option


@click.command("explain", cls=Command)
@click.argument("message_id", metavar="MESSAGE_ID")
@emulator_option()
def command(message_id: str, emulator: str) -> int:
    """Put the verdict on one event in words: its messageId as Segment has it, or the uuid an SDK sent.

    \b
    Example:
      optilocal explain ajs-next-1768471201000-5d0e4f8a
    """
    from rich.console import Console  # noqa: PLC0415 - `--help` needs none of it

    from optilocal.scenarios.reporters.verdict_words import explain  # noqa: PLC0415
    from optilocal.scenarios.running.emulator_client import EmulatorClient  # noqa: PLC0415

    client = EmulatorClient(emulator)
    client.health()
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    return 0 if explain(client, message_id, console) else 1
