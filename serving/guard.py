"""Access rules: the server's own addresses are for programs of this machine and for its own pages, not for other pages."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from optilocal.serving.problems import Problem

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# A page may send these with POST to any server without a preflight: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
_SIMPLE_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")


class Surface(Enum):
    """The access rules of a route."""

    OPEN = "imitates an API that every page may use: any page, any host name"
    NAMED = "imitates an API that no page may use: this server's host names only"
    OWN = "the server's own API: its host names, for programs and its own pages"
    VIEWER = "as OWN, and links on any page may lead to it"


@dataclass(frozen=True)
class Guard:
    """The access rules of a `server` (its name) that listens on `bound_to` and answers under the names `allowed` too."""

    server: str
    bound_to: str
    allowed: Collection[str] = ()
    token: str | None = None
    """What whoever reaches the server's own surface has to show; None asks nobody."""

    def check_token(self, surface: Surface, headers: Headers) -> None:
        """Raise Problem, with which a browser asks its user, for a request without the token.

        A program sends it as a bearer token, a browser as the password of any user.
        """
        if self.token is None or surface not in (Surface.OWN, Surface.VIEWER):
            return
        if not hmac.compare_digest(_token_in(headers).encode(), self.token.encode()):
            raise Problem(
                "unauthorized",
                f"this {self.server} was started with a token: send it as Authorization: Bearer TOKEN, or as the password",
                {"WWW-Authenticate": 'Basic realm="optilocal", charset="UTF-8"'},
            )

    def check(self, surface: Surface, method: str, headers: Headers, names: Collection[str] = ()) -> None:
        """Raise Problem for a request that may not reach a surface; `names` are further host names of this surface."""
        if surface is Surface.OPEN:
            return
        host = headers.get("Host") or ""
        self._check_host(host, (*self.allowed, *names))
        if surface is Surface.NAMED:
            return
        link = surface is Surface.VIEWER and method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate"
        self._check_page(host, headers, is_link=link)
        kind = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if method == "POST" and kind in _SIMPLE_TYPES:
            what = f"a body of type {kind}, which any page can send; send it as application/json"
            raise Problem("simple_request", f"nothing here is changed by {what}")

    def _check_host(self, host: str, allowed: Collection[str]) -> None:
        """Refuse a Host header with which another site's page could reach this machine (DNS rebinding).

        This machine's names and the allowed names pass. When the server listens on more than loopback, addresses and
        names of one label (containers) pass too: a public DNS name is neither.
        """
        name = _name(host)
        if _is_local(name) or name in (self.bound_to.lower(), *(_name(each) for each in allowed)):
            return
        if not _is_local(self.bound_to) and name and (_address(name) or "." not in name):
            return
        raise Problem(
            "foreign_host",
            f"the host {host!r:.80} is not this {self.server}'s; reach it as localhost, or start it with --allow-host",
        )

    def _check_page(self, host: str, headers: Headers, *, is_link: bool) -> None:
        """Refuse requests of pages of another origin; another port is another origin."""
        origin = headers.get("Origin")
        if origin is not None:
            if origin.partition("://")[2].lower() != host.lower():
                raise Problem(
                    "foreign_origin", f"a page of {origin!r:.80} may not use the {self.server}'s own surface"
                )
        elif headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not is_link:
            raise Problem(
                "foreign_origin", f"a page of another site may not use the {self.server}'s own surface"
            )


def _token_in(headers: Headers) -> str:
    scheme, _, credentials = (headers.get("Authorization") or "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def is_from_page(headers: Headers) -> bool:
    """Whether a page in a browser may have sent a request with these headers."""
    return "Origin" in headers or headers.get("Sec-Fetch-Site", "none") != "none"


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


def refusal_to_start(host: str, token: str | None, *, is_open: bool) -> str | None:
    """Why a server that would listen on `host` is not started, in one line; None when it may."""
    if _is_local(host) or token or is_open:
        return None
    return (
        f"--host {host} lets other machines in: say --token TOKEN for whoever may use its own addresses, or --open for"
        " everybody"
    )


def _is_local(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")
