"""`optilocal preview`: what Segment would send, JSON lines in, JSON lines out; nothing leaves the process."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click

from optilocal.scenarios.commands.options import FILE, Command
from optilocal.scenarios.language.problems import CannotRun


@click.command("preview", cls=Command)
@click.argument("file", type=FILE, required=False, metavar="[FILE]")
def command(file: Path | None) -> int:
    """Show what Segment would send: JSON lines in (FILE or standard input), JSON lines out. Nothing leaves the process.

    \b
    Example:
      optilocal preview lines.jsonl
    """
    from optilocal.forwarder.destination import preview  # noqa: PLC0415 - `--help` needs none of it

    # Whatever the locale says, lines are UTF-8; bytes that are not are kept for the line to be told of.
    if file is None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
        return preview.main(sys.stdin, sys.stdout)
    try:
        lines = file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise CannotRun(f"cannot read {file}: {error.strerror}") from None
    with lines:
        return preview.main(lines, sys.stdout)
