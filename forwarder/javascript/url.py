"""URLs as Segment's request client normalizes them: lower-case host, no default port, no dot segments."""

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
    """A normalized URL. `scheme` and `hostname` are empty where the text has none."""

    href: str
    scheme: str
    hostname: str


def parse_url(value: Any) -> ParsedURL:
    """Parses any value as a URL. Raises `InvalidURLError` for a string that has a scheme and is not a valid URL."""
    return _parse(to_primitive_string(value).strip(WHITESPACE))


def without_fragment(href: str) -> str:
    """The URL without its fragment, which is not sent (RFC 9110, 7.1)."""
    return href.partition("#")[0]


def _parse(text: str) -> ParsedURL:
    plain = _ALREADY_CANONICAL.match(text)
    if plain:
        return ParsedURL(text, plain[1], plain[2])
    if not _SCHEME.match(text):
        return ParsedURL(text, "", "")
    # Imported on use: the library is slow to import, and nearly every datafile URL is normalized already.
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
    """The URL after Node's older parser, `url.parse`, which Segment's client uses too: it allows fewer characters in
    hosts.
    """
    authority = _AUTHORITY.match(href)
    if authority is None or not authority["host"]:
        return ParsedURL(href, scheme, "")
    rest = href[authority.end() :]
    slash = "" if rest[:1] in ("/", "?", "#") else "/"
    reread = authority[0] + slash + rest.translate(_ESCAPED)
    # A URL that this parser changes is parsed again when the request is made.
    return ParsedURL(href, scheme, authority["host"]) if reread == href else _parse(reread)


def _other_hostname(scheme: str, href: str, hostname: str) -> str:
    # For an unknown scheme the older parser takes what follows for a host.
    if scheme in ("ftp", "file", "javascript"):
        return hostname
    authority = re.split("[/?#]", href.split(":", 1)[1].removeprefix("//"), maxsplit=1)[0]
    return re.split("[:%;']", authority.rsplit("@", 1)[-1], maxsplit=1)[0]
