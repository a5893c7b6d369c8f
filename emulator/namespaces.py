"""The WSGI mount that turns `/ns/<name>/…` into a request to the namespace `<name>`; without it, to `default`."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from emulator.problems import Problem, problem_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT = "default"
KEY = "emulator.namespace"
# Not `.` and `..`: clients resolve them in an address before they send it.
NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}")


class NamespaceMount:
    """Moves the prefix from PATH_INFO to SCRIPT_NAME, so that every route works unchanged in every namespace."""

    def __init__(self, app: "WSGIApplication") -> None:
        self.app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[KEY] = DEFAULT
        path = environ.get("PATH_INFO", "")
        if path == "/ns" or path.startswith("/ns/"):
            name, slash, rest = path[4:].partition("/")
            if not NAME.fullmatch(name):
                problem = Problem(
                    "invalid_namespace",
                    "a namespace's name has 1 to 64 letters, digits, dots, hyphens or underscores",
                )
                return problem_response(problem)(environ, start_response)
            environ[KEY] = name
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/ns/{name}"
            environ["PATH_INFO"] = slash + rest or "/"
        return self.app(environ, start_response)
