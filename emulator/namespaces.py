"""The WSGI mount that turns `/ns/<name>/…` into a request to the namespace `<name>`; without it, to `default`."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from optilocal.emulator.problems import Problem, problem_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT = "default"
KEY = "emulator.namespace"
# Not `.` and `..`: clients resolve them in an address before they send it.
NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}")


def split_path(path: str) -> tuple[str, str] | None:
    """The namespace that a path names and the rest of the path; None for a name that none can have."""
    if path != "/ns" and not path.startswith("/ns/"):
        return DEFAULT, path
    name, slash, rest = path[4:].partition("/")
    return (name, slash + rest or "/") if NAME.fullmatch(name) else None


class NamespaceMount:
    """Moves the prefix from PATH_INFO to SCRIPT_NAME, so that every route works unchanged in every namespace."""

    def __init__(self, app: "WSGIApplication") -> None:
        self.app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        named = split_path(path)
        if named is None:
            problem = Problem(
                "invalid_namespace",
                "a namespace's name has 1 to 64 letters, digits, dots, hyphens or underscores",
            )
            return problem_response(problem)(environ, start_response)
        name, rest = named
        environ[KEY] = name
        if rest != path:
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/ns/{name}"
            environ["PATH_INFO"] = rest
        return self.app(environ, start_response)
