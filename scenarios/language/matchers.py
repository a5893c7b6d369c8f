"""Matchers, what a scenario says where it cannot or need not name an exact value: `!any`, `!regex "…"`, `!approx 49.99`."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from optilocal.scenarios.language.problems import alternatives

# A messageId of Segment's browser library ends in a UUID; the destination sends it as the conversion's uuid.
_UUID = re.compile(
    r"(ajs-next-[0-9]+-|node-next-[0-9]+-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 100_000_000_000_000


@dataclass(frozen=True, slots=True)
class Matcher:
    """A tag and what stands behind it. Nested matchers inside `!contains` and `!unordered` are the comparer's work."""

    tag: str
    argument: Any = None

    def as_json(self) -> dict[str, Any]:
        """`{"!regex": "…"}`: how a matcher stands in the result document."""
        return {self.tag: plain(self.argument)}

    def __str__(self) -> str:
        return self.tag if self.argument is None else f"{self.tag} {as_text(self.argument)}"

    def refusal(self, captured: Any) -> str | None:
        """Why the captured value is not what the matcher wants; None when it is."""
        return _SCALAR_CHECKS[self.tag](self.argument, captured)


def _any(_argument: Any, _captured: Any) -> str | None:
    return None


def _absent(_argument: Any, _captured: Any) -> str | None:
    return "should not be there"


def _uuid(_argument: Any, captured: Any) -> str | None:
    return None if isinstance(captured, str) and _UUID.fullmatch(captured) else "is not a UUID"


def _timestamp(_argument: Any, captured: Any) -> str | None:
    if isinstance(captured, int) and not isinstance(captured, bool):
        if _EARLIEST_MS <= captured < _LATEST_MS:
            return None
        return "is not a time in epoch milliseconds"
    if isinstance(captured, str):
        try:
            datetime.fromisoformat(captured)
        except ValueError:
            return "is not an ISO 8601 time"
        return None
    return "is not a time: neither epoch milliseconds nor ISO 8601 text"


def _regex(pattern: str, captured: Any) -> str | None:
    if not isinstance(captured, str):
        return "is not a text, so no pattern can match it"
    return None if re.search(pattern, captured) else f"does not match /{pattern}/"


def _approx(argument: Any, captured: Any) -> str | None:
    target, within = _approx_argument(argument)
    if isinstance(captured, bool) or not isinstance(captured, int | float):
        return "is not a number"
    return (
        None
        if math.isclose(captured, target, rel_tol=0, abs_tol=within)
        else f"is not within {within:g} of {target:g}"
    )


def _approx_argument(argument: Any) -> tuple[float, float]:
    """`49.99` allows one millionth either way; `[49.99, 0.5]` allows 0.5."""
    if isinstance(argument, list):
        return float(argument[0]), float(argument[1])
    return float(argument), max(abs(float(argument)) * 1e-6, 1e-9)


_SCALAR_CHECKS: dict[str, Callable[[Any, Any], str | None]] = {
    "!any": _any,
    "!absent": _absent,
    "!uuid": _uuid,
    "!timestamp": _timestamp,
    "!regex": _regex,
    "!approx": _approx,
}
LIST_TAGS = ("!contains", "!unordered")
TAGS = (*_SCALAR_CHECKS, *LIST_TAGS)


def read_matcher(tag: str, argument: Any) -> Matcher:
    """The matcher of a YAML tag. Raises ValueError that names the tag and what it needs."""
    if tag not in TAGS:
        raise ValueError(f"unknown matcher {tag}{alternatives(tag, TAGS)}")
    if tag in ("!any", "!absent", "!uuid", "!timestamp"):
        if argument is not None:
            raise ValueError(f"{tag} takes nothing behind it")
        return Matcher(tag)
    if tag == "!regex":
        return Matcher(tag, _pattern(argument))
    if tag == "!approx":
        return Matcher(tag, _number(argument))
    if not isinstance(argument, list) and tag == "!unordered":
        raise ValueError("!unordered takes a list")
    if argument is None:
        raise ValueError(f"{tag} takes what should be in there: a list, a mapping or a text")
    return Matcher(tag, argument)


def _pattern(argument: Any) -> str:
    if not isinstance(argument, str):
        raise ValueError('!regex takes a text, for example !regex "^order-"')
    try:
        re.compile(argument)
    except re.error as error:
        raise ValueError(f"!regex {argument!r} is not a regular expression: {error}") from None
    return argument


def _number(argument: Any) -> Any:
    read = argument
    if isinstance(
        argument, str
    ):  # a tagged scalar comes as text: YAML resolves no type behind a tag of our own
        try:
            read = float(argument)
        except ValueError:
            read = None
    numbers = read if isinstance(read, list) else [read]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers) or len(
        numbers
    ) not in (1, 2):
        raise ValueError(
            "!approx takes a number, or a number and how far off it may be: !approx [49.99, 0.5]"
        )
    return read if not isinstance(read, list) or len(read) == 2 else read[0]


def as_text(value: Any) -> str:
    """The value on one line as JSON, a matcher as its author wrote it: `!regex "^order-"`. Takes plain values too."""
    value = plain(value)
    if isinstance(value, dict) and len(value) == 1:
        ((tag, argument),) = value.items()
        if tag in TAGS:
            return tag if argument is None else f"{tag} {json.dumps(argument, ensure_ascii=False)}"
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """The value with every matcher in it as plain JSON."""
    if isinstance(value, Matcher):
        return value.as_json()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
