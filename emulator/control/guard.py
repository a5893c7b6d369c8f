"""Who may reach the control surface and the viewer: this machine's own pages and programs, no foreign page."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from optilocal.emulator.problems import Problem

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _name(host: str) -> str:
    """A Host header's name, without port and brackets, in lower case."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def is_local(host: str) -> bool:
    """Whether a name or address can only mean this machine."""
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def check_host(host: str, bound_to: str, allowed: tuple[str, ...]) -> None:
    """Raise Problem for a Host header under which a foreign page could reach this machine (DNS rebinding).

    Names of this machine always pass, and those that are allowed. When bound to more than this machine, addresses and
    names of one label (containers) pass too: no public name can be made to stand for them.
    """
    name = _name(host)
    if is_local(name) or name in (bound_to.lower(), *(_name(each) for each in allowed)):
        return
    if not is_local(bound_to) and name and (_address(name) or "." not in name):
        return
    raise Problem(
        "foreign_host",
        f"the host {host!r:.80} is not this emulator's; reach it as localhost, or start it with --allow-host",
    )


def check_origin(host: str, headers: Mapping[str, str], *, navigation_allowed: bool) -> None:
    """Raise Problem for a request that a page of another origin makes."""
    origin = headers.get("Origin")
    if origin is not None:
        if origin.partition("://")[2].lower() != host.lower() or not host:
            raise Problem(
                "foreign_origin", f"a page of {origin!r:.80} may not use the emulator's own surface"
            )
        return
    site = headers.get("Sec-Fetch-Site", "none")
    navigates = navigation_allowed and headers.get("Sec-Fetch-Mode") == "navigate"
    if site not in ("none", "same-origin") and not navigates:
        raise Problem("foreign_origin", "a page of another site may not use the emulator's own surface")
