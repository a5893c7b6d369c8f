"""Which real host is which local address: the one table by which nothing ever leaves for the real service."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from optilocal.forwarder.javascript.url import without_fragment

REAL_HOSTS = {
    "logx.optimizely.com": "events",
    "eu.logx.optimizely.com": "events",
    "cdn.optimizely.com": "datafile",
    "config.optimizely.com": "datafile",
    "api.optimizely.com": "privacy",
}
"""Optimizely's hosts that have a local stand-in, with what the forwarder wants of each."""


def host_of(url: str) -> str:
    """The host of `url` in lower case, without a final dot; "" when there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def local_url(url: str, optimizely: str) -> str:
    """Where a request for `url` really goes: to `optimizely`, the emulator's base URL with its `/ns/<name>`,
    for one of Optimizely's hosts, whatever the scheme, port or user in it. Any other URL, a user's own
    file server say, stays. A fragment is part of neither.
    """
    if host_of(url) not in REAL_HOSTS:
        return without_fragment(url)
    parts = urlsplit(url)
    base = urlsplit(optimizely)
    return urlunsplit(
        (base.scheme, base.netloc, base.path.rstrip("/") + (parts.path or "/"), parts.query, "")
    )


def purpose(method: str, url: str) -> str:
    """What a request is for: "events", "privacy" or "datafile". A datafile may lie on any host, so it is the rest."""
    if method.upper() == "GET":
        return "datafile"
    wanted = REAL_HOSTS.get(host_of(url))
    return "privacy" if wanted == "privacy" else "events"
