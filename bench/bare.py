"""The emulator's server with a callable that does nothing: what that server can do at most. `python -m bench.bare PORT`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler


def nothing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Takes the body off the connection, as HTTP wants it, and answers 204."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("204 No Content", [])
    return [b""]


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing is logged, as in the emulator."""


class _Server(ThreadedWSGIServer):
    request_queue_size = 1_024
    daemon_threads = True


def serve(port: int) -> None:
    """Serve `nothing` with the emulator's server until the process is ended."""
    _Server("127.0.0.1", port, nothing, _Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
