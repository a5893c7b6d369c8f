"""URLs as Segment's request client writes them: lower-case host, no default port, no dot segments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from forwarder.errors import InvalidURLError
from forwarder.javascript import to_primitive_string

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_ALREADY_CANONICAL = re.compile(
    r"(https?)://((?=[a-z])[a-z0-9-]+(?:\.[a-z][a-z0-9-]*)*)/[A-Za-z0-9_/-]*(?:\.json)?\Z"
)


@dataclass(frozen=True)
class ParsedURL:
    """A URL in its canonical spelling. `scheme` and `hostname` are empty where the text has none."""

    href: str
    scheme: str
    hostname: str


def parse_url(value: Any) -> ParsedURL:
    """Reads any value as a URL. Raises `InvalidURLError` for a text that has a scheme and is no URL all the same."""
    return _parse(to_primitive_string(value))


@lru_cache(maxsize=256)
def _parse(text: str) -> ParsedURL:
    plain = _ALREADY_CANONICAL.match(text)
    if plain:
        return ParsedURL(text, plain[1], plain[2])
    if not _SCHEME.match(text):
        return ParsedURL(text, "", "")
    # Imported on need: nearly every datafile URL is canonical already, and loading the library takes longer than a run.
    from ada_url import URL  # noqa: PLC0415

    try:
        url = URL(text)
    except ValueError as error:
        raise InvalidURLError from error
    scheme = url.protocol.rstrip(":")
    # Segment's client passes the text through a second, older parser, which escapes apostrophes too.
    href = url.href.replace("'", "%27")
    hostname = url.hostname
    if scheme not in ("http", "https", "ftp", "file", "javascript"):
        # That parser takes what follows an unknown scheme for a host.
        hostname = re.split("[/?#]", href.split(":", 1)[1].removeprefix("//"), maxsplit=1)[0]
    return ParsedURL(href, scheme, hostname)
