"""URLs as Segment's request client writes them: lower-case host, no default port, no dot segments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from optilocal.forwarder.errors import InvalidURLError
from optilocal.forwarder.javascript.values import WHITESPACE, to_primitive_string

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_ALREADY_CANONICAL = re.compile(
    r"(https?)://((?=[a-z])[a-z0-9-]+(?:\.[a-z][a-z0-9-]*)*)/[A-Za-z0-9_/-]*(?:\.json)?\Z"
)

_AUTHORITY = re.compile(r"https?://(?:[^/?#]*@)?(?P<host>\[[^\]]*\]|[^/?#:\"%';<>\\^`{|}]*)(?::[0-9]+)?")
_ESCAPED = {ord(char): f"%{ord(char):02X}" for char in "'|^`{}\\<>\" "}


@dataclass(frozen=True)
class ParsedURL:
    """A URL in its canonical spelling. `scheme` and `hostname` are empty where the text has none."""

    href: str
    scheme: str
    hostname: str


def parse_url(value: Any) -> ParsedURL:
    """Reads any value as a URL. Raises `InvalidURLError` for a text that has a scheme and is no URL all the same."""
    return _parse(to_primitive_string(value).strip(WHITESPACE))


def without_fragment(href: str) -> str:
    """What of a URL is asked for: a fragment stays with whoever asks (RFC 9110, 7.1)."""
    return href.partition("#")[0]


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
    if scheme not in ("http", "https"):
        return ParsedURL(url.href, scheme, _other_hostname(scheme, url.href, url.hostname))
    return _reread(scheme, url.href)


def _reread(scheme: str, href: str) -> ParsedURL:
    """The URL once more, by an older parser that Segment's client uses too: hosts have fewer characters in it."""
    found = _AUTHORITY.match(href)
    if found is None or not found["host"]:
        return ParsedURL(href, scheme, "")
    rest = href[found.end() :]
    slash = "" if rest[:1] in ("/", "?", "#") else "/"
    reread = found[0] + slash + rest.translate(_ESCAPED)
    # What that parser changed is read anew when the request is made.
    return ParsedURL(href, scheme, found["host"]) if reread == href else _parse(reread)


def _other_hostname(scheme: str, href: str, hostname: str) -> str:
    # What follows an unknown scheme is a host to that parser.
    if scheme in ("ftp", "file", "javascript"):
        return hostname
    authority = re.split("[/?#]", href.split(":", 1)[1].removeprefix("//"), maxsplit=1)[0]
    return re.split("[:%;']", authority.rsplit("@", 1)[-1], maxsplit=1)[0]
