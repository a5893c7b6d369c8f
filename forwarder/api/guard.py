"""Who may use the forwarder's own addresses: programs on purpose, never a web page that found its way to the port."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from optilocal.forwarder.problems import Problem


def check_caller(*, host: str, origin: str | None, bound_to: str, allowed: Collection[str]) -> None:
    """Accepts a request whose Host header is this machine's and whose Origin, if any, is one of ours.

    An IP address or a loopback name cannot be made to point here by somebody else's name server, nor can a
    name of one label, by which containers know each other: that one passes where `bound_to` is more than this
    machine. Any other name must be among `allowed`. Raises `Problem`.
    """
    name = _name(host)
    here = f"[{bound_to}]" if ":" in bound_to else bound_to
    among_containers = not _is_loopback(here) and bool(name) and "." not in name
    if not among_containers and not _is_ours(host, allowed):
        raise Problem(
            "foreign_host",
            f"the Host header {host[:200]!r} is no name of this forwarder; use its IP address or localhost,"
            " or allow the name with --allow-host",
        )
    if origin is None:
        return
    scheme, _, netloc = origin.partition("://")
    # The page's own server is this one, or it is a page on this machine, the viewer say.
    if scheme not in ("http", "https") or not (netloc.lower() == host.lower() or _is_loopback(netloc)):
        raise Problem(
            "foreign_origin", f"a page of {origin[:200]!r} may not use the forwarder's own addresses"
        )


def _name(netloc: str) -> str:
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def _is_loopback(netloc: str) -> bool:
    name = _name(netloc)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_ours(netloc: str, allowed: Collection[str]) -> bool:
    name = _name(netloc)
    if _is_loopback(netloc) or name in allowed:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
