"""`/ns/<name>` before any address: a destination instance of its own, which talks to the same namespace at
the emulator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request

from optilocal.forwarder.pipeline.instances import DEFAULT_NAMESPACE
from optilocal.forwarder.problems import Problem, problem_response

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = "optilocal.namespace"


class NamespaceMount:
    """WSGI middleware that moves `/ns/<name>` from the path to the mount point. A bad name is a problem."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._inner = app.wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serves one request."""
        path = environ.get("PATH_INFO", "")
        environ[_KEY] = DEFAULT_NAMESPACE
        if path.startswith("/ns/"):
            name, slash, rest = path[4:].partition("/")
            if not _NAME.fullmatch(name):
                problem = Problem(
                    "invalid_namespace", "a namespace has 1 to 64 letters, digits, '.', '_' or '-'"
                )
                with self._app.app_context():
                    return problem_response(problem)(environ, start_response)
            environ[_KEY] = name
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/ns/{name}"
            environ["PATH_INFO"] = slash + rest
        return self._inner(environ, start_response)


def current_namespace() -> str:
    """The namespace of the request being served."""
    return str(request.environ.get(_KEY, DEFAULT_NAMESPACE))
