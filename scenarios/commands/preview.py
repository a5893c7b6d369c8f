"""`optilocal preview`: what Segment would send, JSON lines in, JSON lines out; nothing leaves the process."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optilocal.scenarios.commands.options import FILE, Command, option
from optilocal.scenarios.language.problems import CannotRun

if TYPE_CHECKING:
    from optilocal.forwarder.destination.preview_workspace import Workspace


@click.command("preview", cls=Command)
@click.argument("file", type=FILE, required=False, metavar="[FILE]")
@option(
    "--settings",
    type=FILE,
    metavar="FILE",
    help="The destination's settings and mappings and what comes before them, JSON, as `up` takes them.",
)
def command(file: Path | None, settings: Path | None) -> int:
    """Show what Segment would send: JSON lines in (FILE or standard input), JSON lines out. Nothing leaves the process.

    \b
    Examples:
      optilocal preview lines.jsonl
      optilocal preview --settings settings.json lines.jsonl
    """
    from optilocal.forwarder.destination import preview  # noqa: PLC0415 - `--help` needs none of it
    from optilocal.forwarder.destination.preview_workspace import ALONE  # noqa: PLC0415 - as above

    workspace = _workspace(settings) if settings is not None else ALONE
    # Whatever the locale says, lines are UTF-8; bytes that are not are kept for the line to be told of.
    if file is None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
        return preview.main(sys.stdin, sys.stdout, workspace)
    try:
        lines = file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise CannotRun(f"cannot read {file}: {error.strerror}") from None
    with lines:
        return preview.main(lines, sys.stdout, workspace)


def _workspace(file: Path) -> Workspace:
    from optilocal.forwarder.destination.destination import Settings  # noqa: PLC0415 - as above
    from optilocal.forwarder.destination.preview_workspace import Workspace  # noqa: PLC0415 - as above
    from optilocal.forwarder.settings import ServerSettings, SettingsError  # noqa: PLC0415 - as above

    try:
        settings = ServerSettings.load(file)
    except SettingsError as error:
        raise CannotRun(str(error)) from None
    return Workspace(
        Settings.from_json(settings.destination_settings), tuple(settings.mappings), settings.platform
    )
