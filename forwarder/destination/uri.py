"""The URI grammar of RFC 3986, in the form that Segment's schema validation has."""

import re
from typing import Final

_PLAIN: Final = r"A-Za-z0-9\-._~!$&'()*+,;="
_ESCAPE: Final = r"%[0-9A-Fa-f]{2}"
_SEGMENT_CHARACTER: Final = rf"(?:[{_PLAIN}:@]|{_ESCAPE})"
_MORE_SEGMENTS: Final = rf"(?:/{_SEGMENT_CHARACTER}*)*"
_HEX: Final = "[0-9A-Fa-f]{1,4}"
_BYTE: Final = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
_IPV4: Final = rf"(?:{_BYTE}\.){{3}}{_BYTE}"
_LAST_32_BITS: Final = rf"(?:{_HEX}:{_HEX}|{_IPV4})"


def _up_to(groups: int) -> str:
    return f"(?:(?:{_HEX}:){{0,{groups}}}{_HEX})?::"


_IPV6: Final = "|".join(
    [
        f"(?:{_HEX}:){{6}}{_LAST_32_BITS}",
        f"::(?:{_HEX}:){{5}}{_LAST_32_BITS}",
        f"(?:{_HEX})?::(?:{_HEX}:){{4}}{_LAST_32_BITS}",
        f"{_up_to(1)}(?:{_HEX}:){{3}}{_LAST_32_BITS}",
        f"{_up_to(2)}(?:{_HEX}:){{2}}{_LAST_32_BITS}",
        f"{_up_to(3)}{_HEX}:{_LAST_32_BITS}",
        f"{_up_to(4)}{_LAST_32_BITS}",
        f"{_up_to(5)}{_HEX}",
        _up_to(6),
    ]
)
_HOST: Final = rf"(?:\[(?:{_IPV6}|[Vv][0-9A-Fa-f]+\.[{_PLAIN}:]+)\]|(?:[{_PLAIN}]|{_ESCAPE})*)"
_AUTHORITY: Final = rf"(?:(?:[{_PLAIN}:]|{_ESCAPE})*@)?{_HOST}(?::[0-9]*)?"
_URI: Final = re.compile(
    rf"[A-Za-z][A-Za-z0-9+\-.]*:"
    # One slash before the authority is accepted as well as two.
    rf"(?://?{_AUTHORITY}{_MORE_SEGMENTS}|/?{_SEGMENT_CHARACTER}+{_MORE_SEGMENTS})"
    rf"(?:\?(?:[{_PLAIN}:@/?]|{_ESCAPE})*)?(?:#(?:[{_PLAIN}:@/?]|{_ESCAPE})*)?\Z"
)


def is_uri(text: str) -> bool:
    """Whether a string matches the grammar of absolute URIs, which does not mean that it can be called."""
    return _URI.match(text) is not None
