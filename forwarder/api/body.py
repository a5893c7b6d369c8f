"""What a request carries: JSON bodies within their limits, the write key, and the parameters of a listing."""

import base64
import binascii
import json
import zlib
from typing import Any

from flask import Request, request

from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json, to_json
from optilocal.forwarder.problems import Problem

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_EVENTS = 2500
MAX_DEPTH = 200
"""How deep a body may be nested: far beyond any real event, and safe to walk recursively."""

MAX_CONTROL_BYTES = 4 * 1024 * 1024
MAX_ROWS = 1000
MAX_WAIT_S = 60.0

_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


class Refused(Exception):
    """What Segment answers with 400: a body that is too large or not JSON."""


def read_body(request: Request) -> dict[str, Any]:
    """The JSON object in the body of a tracking call, whatever its content type says. Raises `Refused`."""
    raw = request.stream.read(MAX_BATCH_BYTES + 1)
    if len(raw) > MAX_BATCH_BYTES:
        _drain(request)
        raise Refused(f"the body is larger than {MAX_BATCH_BYTES} bytes")
    if request.headers.get("content-encoding", "").lower() in ("gzip", "x-gzip"):
        raw = _unpack(raw)
    try:
        body = parse_json(raw.decode("utf-8"))
    except (JsonSyntaxError, UnicodeDecodeError):
        raise Refused("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refused("the body is not a JSON object")
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_deeper(body, MAX_DEPTH):
        raise Refused(f"the body is nested deeper than {MAX_DEPTH}")
    return body


def _is_deeper(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most + 1):
        inner = [
            item.values() if isinstance(item, dict) else item
            for item in level
            if isinstance(item, dict | list)
        ]
        if not inner:
            return False
        level = [item for items in inner for item in items]
    return True


def _drain(request: Request) -> None:
    # A client that is still writing would see a broken connection instead of the answer.
    for _ in range(256):
        if not request.stream.read(64 * 1024):
            return


def _unpack(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(raw, MAX_BATCH_BYTES + 1)
    except zlib.error:
        raise Refused("the body is not gzip, though its Content-Encoding says so") from None
    if len(text) > MAX_BATCH_BYTES:
        raise Refused(f"the unpacked body is larger than {MAX_BATCH_BYTES} bytes")
    if not unpacker.eof:
        raise Refused("the body's gzip ends too early")
    return text


def is_too_large(event: Any) -> bool:
    """Whether an event, as JSON without spaces, has more than `MAX_EVENT_BYTES`."""
    # JavaScript writes `1e+20` with 21 digits, and nothing else more than five times as long as Python does.
    if len(_JSON.encode(event)) * 5 <= MAX_EVENT_BYTES:
        return False
    return len(to_json(event).encode("utf-8", "surrogatepass")) > MAX_EVENT_BYTES


def write_key(request: Request, body: dict[str, Any]) -> str | None:
    """The source's write key, from the body or Basic authentication; None when there is none, "" for an empty one."""
    key = body.get("writeKey")
    if isinstance(key, str):
        return key
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode("utf-8", "replace").partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def read_json() -> Any:
    """The current request's JSON, at most `MAX_CONTROL_BYTES`. Raises `Problem`."""
    raw = request.stream.read(MAX_CONTROL_BYTES + 1)
    if len(raw) > MAX_CONTROL_BYTES:
        raise Problem("too_large", f"the body is larger than {MAX_CONTROL_BYTES} bytes")
    try:
        return parse_json(raw.decode("utf-8"))
    except (JsonSyntaxError, UnicodeDecodeError) as error:
        raise Problem("invalid_json", f"the body is not JSON: {error}") from None


def read_number(name: str, default: int, most: int) -> int:
    """A parameter of the query that is a whole number, at most `most`. Raises `Problem`."""
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Problem("invalid_parameter", f"{name}={text!r}: give a whole number, 0 or more")
    return min(int(text), most)


def read_wait() -> float:
    """How many seconds a listing may wait for rows: the parameter `wait`, at most `MAX_WAIT_S`. Raises `Problem`."""
    text = request.args.get("wait", "0")
    try:
        wait = float(text)
    except ValueError:
        wait = -1.0
    if not wait >= 0:
        raise Problem("invalid_parameter", f"wait={text!r}: give seconds, 0 or more")
    return min(wait, MAX_WAIT_S)
