"""The real hosts that are caught, the servers that imitate them, and which other hosts may be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from optilocal.serving.loopback import is_loopback

EMULATOR, FORWARDER = "emulator", "forwarder"

HOSTS: Mapping[str, str] = {
    "logx.optimizely.com": EMULATOR,
    "eu.logx.optimizely.com": EMULATOR,
    "cdn.optimizely.com": EMULATOR,
    "config.optimizely.com": EMULATOR,
    "api.optimizely.com": EMULATOR,
    "prediction.cmab.optimizely.com": EMULATOR,
    "api.segment.io": FORWARDER,
    "cdn.segment.com": FORWARDER,
    "events.eu1.segmentapis.com": FORWARDER,
    "api.segmentapis.com": FORWARDER,
}
"""Real host → the server that imitates it. The addresses are those of docs/optimizely.md and docs/segment.md."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server for the requests to a caught host. `prefix` is added before every path: `/ns/<name>`, or empty."""

    host: str
    port: int
    tls: bool
    prefix: str

    @classmethod
    def at(cls, base_url: str, namespace: str | None = None) -> Upstream:
        """The server at `http://HOST:PORT[/PATH]`. Raises ValueError for what is not such an address."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url!r} is not an http:// address")
        tls = parts.scheme == "https"
        path = parts.path.rstrip("/")
        prefix = path if namespace is None else f"{path}/ns/{namespace}"
        return cls(parts.hostname, parts.port or (443 if tls else 80), tls, prefix)


def host_name(text: str) -> str:
    """A host in the form that is compared: lower case, without brackets and a final dot."""
    return text.strip("[]").rstrip(".").lower()


@dataclass(frozen=True, slots=True)
class Policy:
    """Which other hosts may be reached. Without `only` all of them; with it loopback and those in `allowed`.

    `allowed` are names, or patterns such as `*.example.com`.
    """

    only: bool = False
    allowed: tuple[str, ...] = ()

    def lets_pass(self, host: str) -> bool:
        """Whether a connection to a host that is not caught may be made."""
        if not self.only or is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}"):
            return True
        return any(fnmatchcase(host, pattern.lower()) for pattern in self.allowed)


class InterceptionError(Exception):
    """The interception cannot be started; the text is one line."""
