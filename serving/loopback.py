"""This machine's own addresses, for which the environment's proxies do not apply."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import requests


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine: localhost, a name below it, 127.0.0.0/8, ::1, 0.0.0.0 or ::."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
        if host == "localhost" or host.endswith(".localhost"):
            return True
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def session_for(url: str) -> requests.Session:
    """A session for requests to `url`.

    `HTTP_PROXY`, `ALL_PROXY` and the like apply only to URLs of other machines: another machine's proxy cannot reach a
    loopback address, and its failure would look like the emulator's.
    """
    session = requests.Session()
    session.trust_env = not is_loopback(url)
    return session
