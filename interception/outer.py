"""The proxy that this machine needs to reach other hosts, such as a company's proxy: tunnels go through it."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from optilocal.interception.hosts import InterceptionError, host_name


@dataclass(frozen=True, slots=True)
class OuterProxy:
    """One proxy, reached at `host` and `port`, with TLS or without. `authorization` is the header's value, or empty."""

    host: str
    port: int
    tls: bool
    authorization: bytes

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers of every request to it."""
        return ((b"Proxy-Authorization", self.authorization),) if self.authorization else ()


@dataclass(frozen=True, slots=True)
class OuterProxies:
    """The proxies by scheme (`https`, `http`), and the hosts that are reached without one, in NO_PROXY's format."""

    by_scheme: Mapping[str, OuterProxy]
    without: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> OuterProxies:
        """The proxies that an environment names. Raises InterceptionError for a kind that is not supported."""
        proxies = {}
        for scheme in ("https", "http"):
            for variable in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
                if environment.get(variable):
                    proxies[scheme] = _read(variable, environment[variable])
                    break
        return cls(proxies, environment.get("no_proxy") or environment.get("NO_PROXY") or "")

    def towards(self, scheme: str, host: str) -> OuterProxy | None:
        """The proxy for a host; None where the host is reached directly."""
        proxy = self.by_scheme.get(scheme)
        if proxy is None or is_among(host, self.without):
            return None
        return proxy


NO_PROXIES = OuterProxies({}, "")


def is_among(host: str, entries: str) -> bool:
    """Whether NO_PROXY's entries name a host: itself, a domain above it, its network in CIDR notation, or `*`."""
    for each in entries.split(","):
        entry = each.strip().lower()
        if entry == "*":
            return True
        entry = entry.removeprefix("*").removeprefix(".")
        if entry and (host == entry or host.endswith(f".{entry}") or _in_network(host, entry)):
            return True
    return False


def _in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _read(variable: str, value: str) -> OuterProxy:
    parts = urlsplit(value if "://" in value else f"http://{value}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InterceptionError(
            f"{variable} names {_shown(value)!r}; only a proxy at http:// or https:// is supported"
        )
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    tls = parts.scheme == "https"
    return OuterProxy(host_name(parts.hostname), port or (443 if tls else 80), tls, authorization)


def _shown(value: str) -> str:
    """The address without name and password."""
    scheme, mark, rest = value.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
