"""One client's connection: HTTP/1.1 with keep-alive over Werkzeug's request handler, and the ways to break it."""

import contextlib
import io
import os
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.serving import DechunkedInput, WSGIRequestHandler

from emulator.exchange import CONNECTION
from emulator.json_text import dumps
from emulator.problems import Problem, problem_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_NO_BODY = (204, 304)
_GARBAGE = b"\x16\x03\x00optilocal: no HTTP\x00\xff\r\n"


class TooLarge(Exception):
    """The request's body is larger than anything is accepted."""


class Connection(WSGIRequestHandler):
    """Reads each request whole before it is handled, so that the next one on the connection starts where it should."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    max_body = 32_000_000
    broken = False

    def run_wsgi(self) -> None:
        """Answer one request."""
        try:
            environ = self.make_environ()
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST, "the address cannot be read")
            return
        environ[CONNECTION] = self
        try:
            body = self._read_body()
        except TooLarge:
            self.close_connection = True
            self._answer_problem(Problem("too_large", f"a body has at most {self.max_body} bytes"), environ)
            return
        except (ValueError, OSError):
            self.close_connection = True
            self._answer_problem(
                Problem("bad_request", "the body's length or chunks cannot be read"), environ
            )
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ.pop("CONTENT_LENGTH", None)
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        try:
            self._respond(self.server.app, environ)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            # The app answers its own errors; what comes here is a fault of the server, told without a traceback.
            self.close_connection = True
            self.server.log("error", f"{self.command} {self.path}: {type(error).__name__}: {error}")
            if not self.broken:
                with contextlib.suppress(OSError):
                    self._answer_problem(
                        Problem("internal_error", "the emulator failed on this request"), environ
                    )

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            chunks = DechunkedInput(self.rfile)  # type: ignore[arg-type]
            read = bytearray()
            while chunk := chunks.read(65_536):
                read += chunk
                if len(read) > self.max_body:
                    raise TooLarge
            return bytes(read)
        given = self.headers.get_all("Content-Length") or ["0"]
        if len(set(given)) > 1 or not given[0].strip().isascii() or not given[0].strip().isdigit():
            raise ValueError("Content-Length")
        length = int(given[0])
        if length > self.max_body:
            # The rest is read away, within reason, so that the client gets to see the answer.
            left = min(length, 4 * self.max_body)
            while left > 0 and (chunk := self.rfile.read(min(left, 1_000_000))):
                left -= len(chunk)
            raise TooLarge
        body = self.rfile.read(length) if length else b""
        if len(body) < length:
            raise ValueError("the client went away")
        return body

    def _answer_problem(self, problem: Problem, environ: "WSGIEnvironment") -> None:
        self._respond(problem_response(problem), environ)

    def _respond(self, app: Any, environ: "WSGIEnvironment") -> None:
        """Send an app's answer in one piece; everything it gives is short enough to be held whole."""
        status = ""
        headers: list[tuple[str, str]] = []

        def start_response(given: str, named: list[tuple[str, str]], _error: Any = None) -> Any:
            nonlocal status, headers
            status, headers = given, named

        pieces = app(environ, start_response)
        try:
            body = b"".join(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        code = int(status.split(" ", 1)[0])
        try:
            phrase = HTTPStatus(code).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [
            f"HTTP/1.1 {code} {phrase}",
            f"Server: {self.version_string()}",
            f"Date: {self.date_time_string()}",
        ]
        lines += [f"{name}: {value}" for name, value in headers]
        names = {name.lower() for name, _ in headers}
        if code in _NO_BODY:
            lines = [line for line in lines if not line.lower().startswith("content-length:")]
            body = b""
        elif "content-length" not in names:
            lines.append(f"Content-Length: {len(body)}")
        if self.command == "HEAD":
            body = b""
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.wfile.write(head.encode("latin-1", "replace") + body)

    def close_after(self) -> None:
        """Close the connection once the answer in hand is sent."""
        self.close_connection = True

    def break_off(self, how: str) -> None:
        """Break the connection now: `reset`, `hang_up`, or `garbage` in the place of an answer."""
        self.broken = True
        self.close_connection = True
        if how == "garbage":
            with contextlib.suppress(OSError):
                self.wfile.write(_GARBAGE)
        elif how == "reset":
            # Without lingering, closing sends a reset; the descriptor is closed past Python's own counting of users.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP request at all; it reaches no app, and it is always the client's mistake."""
        self.close_connection = True
        status = HTTPStatus(code if 400 <= code < 500 else HTTPStatus.BAD_REQUEST)
        body = dumps(
            {"error": {"code": "bad_request", "message": explain or message or "no HTTP request"}}
        ).encode()
        head = f"HTTP/1.1 {int(status)} {status.phrase}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError):
            self.wfile.write(head.encode() + body)

    def version_string(self) -> str:
        return "optilocal"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The journal is the log."""

    def log_error(self, format: str, *args: Any) -> None:
        """A client that goes away or speaks no HTTP is its own affair."""
