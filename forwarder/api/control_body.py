"""What a caller of the forwarder's own addresses sent: JSON within a limit, and the parameters of a listing."""

from __future__ import annotations

from typing import Any

from flask import Request

from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json
from optilocal.forwarder.problems import Problem

MAX_BYTES = 4 * 1024 * 1024
MAX_ROWS = 1000
MAX_WAIT_S = 60.0


def read_json(request: Request) -> Any:
    """The request's JSON. Raises `Problem`."""
    raw = request.stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise Problem("too_large", f"the body is larger than {MAX_BYTES} bytes")
    try:
        return parse_json(raw.decode("utf-8"))
    except (JsonSyntaxError, UnicodeDecodeError) as error:
        raise Problem("invalid_json", f"the body is not JSON: {error}") from None


def read_number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from 0 to `most` among the query's parameters. Raises `Problem`."""
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Problem("invalid_parameter", f"{name}={text!r}: give a whole number, 0 or more")
    return min(int(text), most)


def read_wait(request: Request) -> float:
    """How many seconds a listing may wait for rows: the parameter `wait`, at most `MAX_WAIT_S`. Raises `Problem`."""
    text = request.args.get("wait", "0")
    try:
        wait = float(text)
    except ValueError:
        wait = -1.0
    if not wait >= 0:
        raise Problem("invalid_parameter", f"wait={text!r}: give seconds, 0 or more")
    return min(wait, MAX_WAIT_S)
