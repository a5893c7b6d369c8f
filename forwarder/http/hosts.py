"""Maps Optimizely's real hosts to the emulator, so that no request reaches the real service."""

from urllib.parse import urlsplit, urlunsplit

from optilocal.forwarder.javascript.url import without_fragment

REAL_HOSTS = {
    "logx.optimizely.com": "events",
    "eu.logx.optimizely.com": "events",
    "cdn.optimizely.com": "datafile",
    "config.optimizely.com": "datafile",
    "api.optimizely.com": "privacy",
}
"""Optimizely's host → the purpose of the forwarder's requests to it."""


def host_of(url: str) -> str:
    """The host of `url` in lower case, without a final dot; "" if it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def local_url(url: str, optimizely: str) -> str:
    """The URL to which a request for `url` is sent: for one of Optimizely's hosts, whatever its scheme, port or user, the
    same path at `optimizely`, the emulator's base URL with its `/ns/<name>`; else `url` itself. Fragments are removed.
    """
    if host_of(url) not in REAL_HOSTS:
        return without_fragment(url)
    parts = urlsplit(url)
    base = urlsplit(optimizely)
    return urlunsplit(
        (base.scheme, base.netloc, base.path.rstrip("/") + (parts.path or "/"), parts.query, "")
    )


def purpose(method: str, url: str) -> str:
    """The purpose of a request: "events", "privacy" or "datafile". Every GET is for a datafile, which may be on any
    host.
    """
    if method.upper() == "GET":
        return "datafile"
    return "privacy" if REAL_HOSTS.get(host_of(url)) == "privacy" else "events"
