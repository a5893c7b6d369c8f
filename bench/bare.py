"""The emulator's server with a callable that does nothing: what that server can do at most. `python -m bench.bare PORT`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from optilocal.serving.server import Server, listen


def nothing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Takes the body, as HTTP wants it, and answers 204."""
    environ["wsgi.input"].read()
    start_response("204 No Content", [])
    return [b""]


def serve(port: int) -> None:
    """Serve `nothing` with the emulator's server until the process is ended."""
    listening = listen("127.0.0.1", port)
    options: dict[str, Any] = {"name": "bare", "max_body": 32_000_000}
    options |= {"now_ms": lambda: time.time_ns() // 1_000_000, "report": print}
    Server(nothing, listening, **options).start()
    threading.Event().wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
