"""`optilocal preview`: what Segment would send, JSON lines in, JSON lines out; nothing leaves the process."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optilocal.scenarios.commands.options import FILE, Command, offline_options, option
from optilocal.scenarios.language.problems import CannotRun
from optilocal.serving.json_file import read_json_file

if TYPE_CHECKING:
    from optilocal.forwarder.preview import Workspace


@click.command("preview", cls=Command)
@click.argument("file", type=FILE, required=False, metavar="[FILE]")
@offline_options(datafile_help="The datafile of lines that bring none.")
@option(
    "--mapping",
    type=FILE,
    metavar="FILE",
    help="One mapping, JSON: {name, trigger, fields}, or the fields alone. In place of those of --settings.",
)
def command(*, file: Path | None, datafile: str | None, settings: Path | None, mapping: Path | None) -> int:
    """Show what Segment would send: JSON lines in (FILE or standard input), JSON lines out. Nothing leaves the process.

    A line is a Segment event as it is, or {"id", "event", "settings", "mapping", "subscription", "datafile", …}. Exit code
    1 when a line could not be read.

    \b
    Examples:
      echo '{"type": "track", "event": "Order Completed", "userId": "u-1"}' | optilocal preview --datafile datafile.json
      optilocal preview events.jsonl --datafile datafile.json --settings destination.json
    """
    from optilocal.forwarder import preview  # noqa: PLC0415
    from optilocal.forwarder.clock import SystemClock  # noqa: PLC0415 - `--help` needs none of it
    from optilocal.forwarder.pipeline.source_event import iso_time  # noqa: PLC0415
    from optilocal.forwarder.preview import ALONE  # noqa: PLC0415

    workspace = _workspace(datafile, settings, mapping) if datafile or settings or mapping else ALONE
    now = iso_time(SystemClock().now_ms())
    # Whatever the locale says, lines are UTF-8; bytes that are not are kept, and the line's answer says so.
    if file is None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
        return preview.main(sys.stdin, sys.stdout, workspace, now)
    try:
        lines = file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise CannotRun(f"cannot read {file}: {error.strerror}") from None
    with lines:
        return preview.main(lines, sys.stdout, workspace, now)


def _workspace(datafile: str | None, settings: Path | None, mapping: Path | None) -> Workspace:
    """What the options say for every line. Raises CannotRun for a file that cannot be used."""
    from optilocal.forwarder.destination.destination import Settings  # noqa: PLC0415 - `--help` needs none of it
    from optilocal.forwarder.preview import DEFAULT_SETTINGS, Workspace  # noqa: PLC0415
    from optilocal.forwarder.settings import ServerSettings, SettingsError  # noqa: PLC0415
    from optilocal.scenarios.language.datafile_source import find_datafile  # noqa: PLC0415

    try:
        served = None if datafile is None else find_datafile(datafile, Path())
        configured = ServerSettings.load(settings)
        mappings = configured.mappings if settings is not None else ()
        if mapping is not None:
            mappings = (_mapping(mapping),)
    except (ValueError, SettingsError) as error:
        raise CannotRun(str(error)) from None
    chosen: dict[str, Any] = dict(DEFAULT_SETTINGS)
    if served is not None:
        chosen["accountId"] = str(served.get("accountId") or chosen["accountId"])
    chosen |= {key: value for key, value in configured.destination.items() if value is not None}
    return Workspace(Settings(chosen), tuple(mappings), configured.platform, served)


def _mapping(file: Path) -> Any:
    from optilocal.forwarder.destination.destination import DEFAULT_TRIGGER  # noqa: PLC0415
    from optilocal.forwarder.pipeline.mappings import read_mapping  # noqa: PLC0415

    document = read_json_file(file, "the mapping file")
    if isinstance(document, dict) and "fields" not in document:
        document = {"name": file.stem, "trigger": DEFAULT_TRIGGER, "fields": document}
    elif isinstance(document, dict):
        document = {"trigger": DEFAULT_TRIGGER, **document}
    try:
        return read_mapping(document, 1)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
