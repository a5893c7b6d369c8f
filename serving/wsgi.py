"""One request as a WSGI app sees it, and the app's answer as bytes."""

import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

REQUEST = "serving.request"
BREAKS = ("reset", "hang_up", "garbage")
_NO_BODY = (204, 304)
_NAME = "optilocal"


@dataclass(slots=True)
class Request:
    """One request, read whole. Of a body longer than the server takes `body` holds what it takes and one byte more."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | bytearray
    version: str
    keep_alive: bool
    peer: tuple[str, int] = ("", 0)
    close: bool = False
    broken: str | None = None

    def close_after(self) -> None:
        """Close the connection once the answer in hand is sent."""
        self.close = True

    def break_off(self, how: str) -> None:
        """Break the connection instead of answering: one of the `BREAKS`, garbage being what is no HTTP."""
        self.broken = how


def environ(request: Request, server: tuple[str, int]) -> "WSGIEnvironment":
    """The request as PEP 3333 has it. Raises ValueError for an address that cannot be read."""
    target = request.target.decode("latin-1")
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path, _, query = target.partition("?")
    made: WSGIEnvironment = {
        "REQUEST_METHOD": request.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": request.target.decode("latin-1"),
        "RAW_URI": request.target.decode("latin-1"),
        "REMOTE_ADDR": request.peer[0],
        "REMOTE_PORT": str(request.peer[1]),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        REQUEST: request,
    }
    for raw_name, raw_value in request.headers:
        name = raw_name.decode("latin-1").upper()
        # A name with an underscore could not be told from one with a hyphen.
        if "_" in name or name in ("TRANSFER-ENCODING", "CONTENT-LENGTH"):
            continue
        key = "CONTENT_TYPE" if name == "CONTENT-TYPE" else "HTTP_" + name.replace("-", "_")
        value = raw_value.decode("latin-1")
        made[key] = f"{made[key]},{value}" if key in made else value
    if request.body:
        made["CONTENT_LENGTH"] = str(len(request.body))
    return made


def asked(
    app: "WSGIApplication", request: Request, server: tuple[str, int]
) -> tuple[int, list[tuple[str, str]], bytes]:
    """The app's status, headers and body; everything it gives is short enough to be held whole. The status is 0 where the
    app breaks the connection, see `Request.broken`.

    Raises ValueError for an address that cannot be read, and what the app raises.
    """
    status = ""
    headers: list[tuple[str, str]] = []

    def start_response(given: str, named: list[tuple[str, str]], _error: Any = None) -> Any:
        nonlocal status, headers
        status, headers = given, named

    pieces: Iterable[bytes] = app(environ(request, server), start_response)
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return int(status.split(" ", 1)[0] or 0), headers, body


def answer(app: "WSGIApplication", request: Request, server: tuple[str, int], now_ms: int) -> bytes:
    """The app's answer as it goes over the wire, nothing where the connection is to be broken. Raises as `asked`."""
    code, headers, body = asked(app, request, server)
    return b"" if request.broken else written(code, headers, body, request, now_ms)


def written(
    code: int, headers: Iterable[tuple[str, str]], body: bytes, request: Request | None, now_ms: int
) -> bytes:
    """An answer as it goes over the wire."""
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {code} {phrase}", f"Server: {_NAME}", f"Date: {http_date(now_ms)}"]
    told_length = False
    for name, value in headers:
        if name.lower() == "content-length":
            told_length = True
            if code in _NO_BODY:
                continue
        lines.append(f"{name}: {value}")
    if code in _NO_BODY:
        body = b""
    elif not told_length:
        lines.append(f"Content-Length: {len(body)}")
    if request is not None and request.method == b"HEAD":
        body = b""
    if request is None or request.close or not request.keep_alive:
        lines.append("Connection: close")
    elif request.version == "1.0":
        lines.append("Connection: keep-alive")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body


def http_date(now_ms: int) -> str:
    """A time (epoch milliseconds) as HTTP writes it."""
    return formatdate(now_ms / 1000, usegmt=True)
