"""The environment variables that send a program's HTTPS to the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from optilocal.interception.hosts import HOSTS
from optilocal.interception.outer import is_among
from optilocal.interception.trust import TRUST_STORE_PASSWORD, TrustFiles

OLDER_NODE = Path(__file__).with_name("older_node.cjs")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_JAVA_DIRECT = "localhost|127.*|[::1]"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The sandbox's addresses. `proxy` and the two servers are base URLs, `tls` is `HOST:PORT`."""

    emulator: str
    forwarder: str
    proxy: str
    tls: str


def environment(
    addresses: Addresses, trust: TrustFiles, spki: str, before: Mapping[str, str], *, only: bool = False
) -> dict[str, str]:
    """The variables to set on top of the environment `before`; its Java and Node options are kept.

    `spki` is the fingerprint of the authority's key. With `only` every host but loopback is reached through the proxy.
    """
    around = _without_proxy(before, addresses, only=only)
    bundle, proxy = str(trust.bundle), addresses.proxy
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "NO_PROXY": around,
        "no_proxy": around,
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "AWS_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": str(trust.extra),
        "DENO_CERT": str(trust.extra),
        "NODE_USE_ENV_PROXY": "1",
        "NODE_OPTIONS": _joined(before.get("NODE_OPTIONS"), f"--require {_quoted_for_node(str(OLDER_NODE))}"),
        "JAVA_TOOL_OPTIONS": _joined(before.get("JAVA_TOOL_OPTIONS"), _java(proxy, trust.trust_store)),
        "OPTILOCAL_EMULATOR": addresses.emulator,
        "OPTILOCAL_FORWARDER": addresses.forwarder,
        "OPTILOCAL_PROXY": proxy,
        "OPTILOCAL_TLS": addresses.tls,
        "OPTILOCAL_HOSTS": ",".join(HOSTS),
        "OPTILOCAL_ONLY": "1" if only else "",
        "OPTILOCAL_CA": str(trust.extra),
        "OPTILOCAL_CA_SPKI": spki,
    }


def _without_proxy(before: Mapping[str, str], addresses: Addresses, *, only: bool) -> str:
    """NO_PROXY: loopback, the sandbox, and the entries of `before` that do not match a caught host."""
    passed = [] if only else (before.get("no_proxy") or before.get("NO_PROXY") or "").split(",")
    entries = [urlsplit(address).hostname or "" for address in (addresses.emulator, addresses.forwarder)]
    entries.extend(entry.strip() for entry in passed)
    passing = (entry for entry in entries if entry and not any(is_among(host, entry) for host in HOSTS))
    return ",".join(dict.fromkeys([*LOOPBACK, *passing]))


def _java(proxy: str, trust_store: Path) -> str:
    host, _, port = proxy.removeprefix("http://").rpartition(":")
    host = host.strip("[]")
    properties = {
        "https.proxyHost": host,
        "https.proxyPort": port,
        "http.proxyHost": host,
        "http.proxyPort": port,
        "http.nonProxyHosts": _JAVA_DIRECT,
        "javax.net.ssl.trustStore": str(trust_store),
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": TRUST_STORE_PASSWORD,
    }
    return " ".join(_quoted_for_java(f"-D{name}={value}") for name, value in properties.items())


def _joined(before: str | None, added: str) -> str:
    return f"{before} {added}" if before else added


def _quoted_for_node(word: str) -> str:
    """A word as Node reads it from a variable with several: in double quotes, with `"` and backslashes escaped."""
    if not any(character.isspace() or character in '"\\' for character in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted_for_java(word: str) -> str:
    """A word as Java reads it from a variable with several: in single or double quotes, without escapes."""
    if not any(character.isspace() or character in "\"'" for character in word):
        return word
    return f"'{word}'" if '"' in word else f'"{word}"'
