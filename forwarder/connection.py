"""One client's connection: a request's body read whole before it is handled, and what is no HTTP answered in JSON."""

from __future__ import annotations

import contextlib
import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.serving import DechunkedInput, WSGIRequestHandler

from forwarder.control_body import MAX_BYTES
from forwarder.problems import Problem, problem_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# One byte more than anything takes, so that whoever reads the body sees that it is too large.
_KEPT = MAX_BYTES + 1
# So much more is read and thrown away, so that a client that is still writing gets to see its answer.
_DRAINED = 16 * MAX_BYTES
_PIECE = 64 * 1024


class Connection(WSGIRequestHandler):
    """Serves one request and closes; nothing a client sends makes it say more than an answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30
    _body = b""

    def run_wsgi(self) -> None:
        """Answers one request."""
        try:
            self._body = self._read_body()
            super().make_environ()
        except (ValueError, OSError):
            self.send_error(
                HTTPStatus.BAD_REQUEST, "the address, or the body's length or chunks, cannot be read"
            )
            return
        # What it asks has been answered when the headers were read.
        del self.headers["Expect"]
        # A request line without a version would be answered without a status.
        self.request_version = "HTTP/1.0" if self.request_version == "HTTP/0.9" else self.request_version
        super().run_wsgi()

    def make_environ(self) -> WSGIEnvironment:
        """The request, with its body in memory and no framing left to get wrong."""
        environ = super().make_environ()
        for framing in ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "wsgi.input_terminated"):
            environ.pop(framing, None)
        environ["wsgi.input"] = io.BytesIO(self._body)
        environ["CONTENT_LENGTH"] = str(len(self._body))
        return environ

    def _read_body(self) -> bytes:
        """The body, or its first `_KEPT` bytes. Raises ValueError or OSError for framing that cannot be read."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return _taken(io.BufferedReader(DechunkedInput(self.rfile)), None)  # type: ignore[arg-type]
        given = {text.strip() for text in self.headers.get_all("Content-Length") or ["0"]}
        length = given.pop()
        if given or not (length.isascii() and length.isdigit() and len(length) < 19):
            raise ValueError("Content-Length")
        return _taken(self.rfile, int(length))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers what is no HTTP request; whatever is wrong with it is the client's mistake."""
        self.close_connection = True
        status = code if 400 <= code < 500 else HTTPStatus.BAD_REQUEST
        body = problem_body(Problem("bad_request", explain or message or "this is no HTTP request"))
        head = f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError):
            self.wfile.write(head.encode() + body)

    def version_string(self) -> str:
        return "optilocal"

    @property
    def server_version(self) -> str:  # type: ignore[override]
        return "optilocal"

    def log(self, *_: Any) -> None:
        return


def _taken(stream: Any, length: int | None) -> bytes:
    """The first `_KEPT` bytes of a body of `length` bytes (None: until it ends); the rest is thrown away."""
    kept = bytearray()
    read = 0
    while read < _DRAINED and (length is None or read < length):
        piece = stream.read(_PIECE if length is None else min(_PIECE, length - read))
        if not piece:
            break
        read += len(piece)
        kept += piece[: _KEPT - len(kept)]
    if length is not None and read < min(length, _DRAINED):
        raise ValueError("the client went away")
    return bytes(kept)
