"""Liquid's filters for HTML, URLs and Base64."""

import base64
import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote as percent_encode

from optilocal.forwarder.destination.liquid.values import plain, text
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.values import UNDEFINED, WHITESPACE, Value, to_primitive_string, truthy

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"}
_CHARACTERS: Final = {entity: char for char, entity in _ENTITIES.items()}
_TAGS: Final = re.compile(
    r"<script[\s\S]*?</script>|<style[\s\S]*?</style>|<[^\n\r\u2028\u2029]*?>|<!--[\s\S]*?-->"
)
_ESCAPED_BYTES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_LATIN: Final = {
    "àáâãäå": "a", "æ": "ae", "ç": "c", "èéêë": "e", "ìíîï": "i", "ð": "d", "ñ": "n", "òóôõöø": "o", "ùúûü": "u",
    "ýÿ": "y", "ß": "ss", "œ": "oe", "þ": "th", "ẞ": "SS", "Œ": "OE", "Þ": "TH",
}  # fmt: skip
_LATIN_TABLE: Final = str.maketrans(
    {char: plain_text for chars, plain_text in _LATIN.items() for char in chars}
)


def _escape(value: Value, *_: Value) -> str:
    return re.sub("[&<>\"']", lambda match: _ENTITIES[match[0]], text(value))


def _escape_once(value: Value, *_: Value) -> str:
    return _escape(re.sub("&(?:amp|lt|gt|#34|#39);", lambda match: _CHARACTERS[match[0]], text(value)))


def _encoded(value: Value, safe: str) -> str:
    try:
        return percent_encode(text(value).encode("utf-8"), safe=safe)
    except UnicodeEncodeError as error:
        raise DestinationError("URI malformed") from error


def _url_decode(value: Value, *_: Value) -> str:
    written = text(value)

    def decode(match: re.Match[str]) -> str:
        return bytes.fromhex(match[0].replace("%", "")).decode("utf-8")

    try:
        if "%" in _ESCAPED_BYTES.sub("", written):
            raise DestinationError("URI malformed")
        return _ESCAPED_BYTES.sub(decode, written).replace("+", " ")
    except UnicodeDecodeError as error:
        raise DestinationError("URI malformed") from error


def _uri_escape(value: Value, *_: Value) -> str:
    return _encoded(value, ";/?:@&=+$,#-_.!~*'()[]")


def _is_kept(extra: str) -> Callable[[str], bool]:
    return lambda char: (
        char in extra or unicodedata.category(char)[0] in "ML" or unicodedata.category(char) == "Nd"
    )


def _slugify(value: Value, mode: Value = "default", cased: Value = False, *_: Value) -> str:
    written = text(value)
    name = "default" if mode is UNDEFINED else to_primitive_string(plain(mode))
    keeps: dict[str, Callable[[str], bool]] = {
        "raw": lambda char: char not in WHITESPACE,
        "default": _is_kept(""),
        "pretty": _is_kept("._~!$&'()+,;=@"),
        "ascii": lambda char: char.isascii() and char.isalnum(),
        "latin": _is_kept(""),
    }
    if name in keeps:
        written = written.translate(_LATIN_TABLE) if name == "latin" else written
        written = re.sub("\0+", "-", "".join(char if keeps[name](char) else "\0" for char in written))
        written = written.removeprefix("-").removesuffix("-")
    return written if truthy(cased) else written.lower()


def _base64_decode(value: Value, *_: Value) -> str:
    written = re.sub(r"=[\s\S]*", "", text(value)).replace("-", "+").replace("_", "/")
    digits = re.sub("[^A-Za-z0-9+/]", "", written)
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    decoded = base64.b64decode(digits + "=" * (-len(digits) % 4))
    return decoded.decode("utf-8", "replace")


def _base64_encode(value: Value, *_: Value) -> str:
    return base64.b64encode(
        text(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    ).decode()


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "base64_decode": _base64_decode,
    "base64_encode": _base64_encode,
    "cgi_escape": lambda value, *_: _encoded(value, "-_.~ ").replace(" ", "+"),
    "escape": _escape,
    "escape_once": _escape_once,
    "slugify": _slugify,
    "strip_html": lambda value, *_: _TAGS.sub("", text(value)),
    "uri_escape": _uri_escape,
    "url_decode": _url_decode,
    "url_encode": lambda value, *_: _encoded(value, "-_.!~*'() ").replace(" ", "+"),
    "xml_escape": _escape,
}
