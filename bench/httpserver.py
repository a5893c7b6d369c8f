"""pytest-httpserver as a process of its own, recording: `python -m bench.httpserver PORT`."""

from __future__ import annotations

import sys
import threading

from pytest_httpserver import HTTPServer


def serve(port: int) -> None:
    """Answer `POST /v1/events` with 204 until the process is ended."""
    with HTTPServer("127.0.0.1", port, threaded=True) as server:
        server.expect_request("/v1/events", method="POST").respond_with_data("", 204)
        threading.Event().wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
