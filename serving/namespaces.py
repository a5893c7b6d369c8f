"""Namespaces: with `/ns/<name>` before any address, the same server once more, with its own state."""

import re

DEFAULT = "default"
"""The namespace of an address without the prefix."""

NAMESPACE = "serving.namespace"
"""The namespace of a request in a WSGI app's environ."""

RULE = "a namespace has 1 to 64 letters, digits, '.', '_' or '-', and is neither '.' nor '..'"
# Clients resolve `.` and `..` in an address before they send it.
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}")


def split_path(path: str) -> tuple[str, str] | None:
    """The namespace in a path and the rest of the path; None if the namespace's name is not valid."""
    if path != "/ns" and not path.startswith("/ns/"):
        return DEFAULT, path
    name, slash, rest = path[4:].partition("/")
    return (name, slash + rest or "/") if _NAME.fullmatch(name) else None
