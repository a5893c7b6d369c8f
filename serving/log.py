"""What a server says of itself: one line on standard error, as plain text or as a JSON object."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

import click

from optilocal.serving.clock import SystemClock
from optilocal.serving.options import Twin
from optilocal.serving.printable import printable

Level = Literal["warning", "error"]

_json = False


def log_option(server: str) -> Twin:
    """The option `--log` of a server's command. It takes effect where it is read, before the other options, so that what is
    wrong with them is logged in its form.
    """

    def read(_context: click.Context, _option: click.Parameter, form: str) -> None:
        log_as(form, server.lower())

    return Twin(
        server,
        "--log",
        "how its lines on standard error are written: plain, or json, an object a line",
        "plain|json",
        type=click.Choice(("plain", "json")),
        default="plain",
        callback=read,
        is_eager=True,
        expose_value=False,
    )


def log_as(form: str, server: str) -> None:
    """From now on this process logs in this form, plain or json; for a command that is one server.

    As JSON also what libraries warn of by Python's `logging`, which otherwise stands on standard error as it is.
    """
    global _json  # noqa: PLW0603 - standard error is the process's
    _json = form == "json"
    if _json:
        logging.basicConfig(level=logging.WARNING, handlers=[_Handler(server)], force=True)


def log(server: str, text: object, level: Level = "warning") -> None:
    """Write one line to standard error.

    As JSON it is `{"time", "level", "server", "message"}`; the time is in UTC, `2026-01-15T10:00:00.000Z`.
    """
    _write(server, level, printable(text))


def _write(server: str, level: str, message: str) -> None:
    line = f"{server}: {message}"
    if _json:
        at = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
        time = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": time, "level": level, "server": server, "message": message})
    # In one piece, so that lines of several threads do not mix.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class _Handler(logging.Handler):
    """What libraries log, as lines of a server."""

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        _write(self._server, level, printable(f"{record.name}: {record.getMessage()}"))
