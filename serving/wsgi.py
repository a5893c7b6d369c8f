"""Calls a WSGI app (PEP 3333) for one request."""

import io
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from optilocal.serving.namespaces import NAMESPACE, RULE, split_path
from optilocal.serving.problems import Problem
from optilocal.serving.request import REQUEST, Answer, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


def environ(request: Request, server: tuple[str, int]) -> "WSGIEnvironment":
    """The WSGI environ of a request, for a server at that address. Raises Problem for a namespace that is not valid."""
    target = request.target.decode("latin-1")
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target, _, query = target.partition("?")
    named = split_path(unquote_to_bytes(target).decode("latin-1"))
    if named is None:
        raise Problem("invalid_namespace", RULE)
    namespace, path = named
    prefix = f"/ns/{namespace}" if target.startswith("/ns/") else ""
    variables: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": prefix,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": request.client[0],
        "REMOTE_PORT": str(request.client[1]),
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
        NAMESPACE: namespace,
    }
    for raw_name, raw_value in request.headers:
        name = raw_name.decode("latin-1").upper()
        # WSGI would not distinguish a name with an underscore from one with a hyphen.
        if "_" in name or name in ("TRANSFER-ENCODING", "CONTENT-LENGTH"):
            continue
        key = "CONTENT_TYPE" if name == "CONTENT-TYPE" else "HTTP_" + name.replace("-", "_")
        value = raw_value.decode("latin-1")
        variables[key] = f"{variables[key]},{value}" if key in variables else value
    if request.body:
        variables["CONTENT_LENGTH"] = str(len(request.body))
    return variables


def ask(app: "WSGIApplication", request: Request, server: tuple[str, int]) -> Answer:
    """The app's answer, read whole. Raises the app's errors."""
    status = "500"
    named: list[tuple[str, str]] = []

    def start_response(status_line: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        nonlocal status, named
        status, named = status_line, headers

    pieces: Iterable[bytes] = app(environ(request, server), start_response)
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in named]
    return Answer(int(status[:3]), headers, body, request.breaks, request.delay)
