"""Track calls among the tokens of one source file: the name each is called with, and what stands written out beside it."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from optilocal.scenarios.check.source_tokens import Language, Token, written_out

_CALLS = frozenset(("track", "Track", "trackLink", "trackForm"))
_DEFINES = frozenset(("function", "def", "func", "fun", "fn", "void", "class", "interface", "new", "type"))
_SEGMENT = re.compile(
    r"analytics|segment|ajs|track|telemetry|client|sdk|^this$|^self$|^Enqueue$", re.IGNORECASE
)
_OTHERS = re.compile(
    r"mixpanel|amplitude|posthog|heap|kissmetrics|braze|appboy|customerio|intercom|optimizely|usercontext|user_context|"
    r"datadog|sentry|newrelic|appsflyer|adjust|firebase|clevertap|vwo|launchdarkly|insights",
    re.IGNORECASE,
)
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, frozenset(")]}")
_NAMED = frozenset((":", "=", "=>"))
_USERS = frozenset(("userid", "anonymousid"))
_VARIABLES = frozenset(
    ("eventName", "event_name", "EventName", "eventKey", "event_key", "trackEvent", "eventType")
)
_REFERENCE_MARKS = frozenset((".", "::", "?.", "->", "!", "?", "$", "@"))


@dataclass(frozen=True, slots=True)
class Call:
    """One track call. `name` is None when it is not written out; `references` are then the names that may stand for it.

    `event` is what the code says beyond the name, as a Segment event has it.
    """

    line: int
    name: str | None
    references: tuple[str, ...]
    text: str
    event: dict[str, Any] = field(default_factory=dict)


def calls(tokens: Sequence[Token], language: Language, wrappers: Collection[str] = ()) -> Iterator[Call]:
    """Every call of Segment's track, in the order of the file; `wrappers` are functions of the user's that track too."""
    for at, token in enumerate(tokens):
        if token.kind != "name":
            continue
        wrapped = token.text in wrappers
        if not wrapped and token.text not in _CALLS and not _is_builder(tokens, at):
            continue
        receiver = _receiver(tokens, at, language)
        if receiver is None or _OTHERS.search(".".join(receiver)):
            continue
        sure = any(_SEGMENT.search(name) for name in receiver)
        if receiver and not sure and not wrapped:
            continue
        parts = _arguments(tokens, at + 1, language)
        if parts is None or not parts:
            continue
        call = _read(parts, token, language)
        if call is not None and (call.name is not None or sure or wrapped):
            yield call


def _is_builder(tokens: Sequence[Token], at: int) -> bool:
    """`TrackMessage.builder("…")` of Segment's Java library."""
    return (
        tokens[at].text == "builder"
        and at >= 2
        and tokens[at - 1].text == "."
        and tokens[at - 2].text == "TrackMessage"
    )


def _receiver(tokens: Sequence[Token], at: int, language: Language) -> list[str] | None:
    """The names before the call's own (`window`, `analytics`); empty for a bare call, None where a function is defined."""
    names: list[str] = []
    at -= 1
    if at >= 0 and tokens[at].kind == "name" and tokens[at].text in _DEFINES:
        return None
    if language.name == "objective-c" and at >= 0:
        return [tokens[at - 1].text if tokens[at].text == "]" else tokens[at].text, *_brackets(tokens, at)]
    while at >= 1 and tokens[at].text in (".", "?.", "::", "->", "!", "?"):
        at -= 1
        while at >= 1 and tokens[at].text in ("!", "?"):
            at -= 1
        if tokens[at].text in _CLOSE:
            at = _matching(tokens, at, -1) - 1
        if at < 0 or tokens[at].kind != "name":
            break
        names.append(tokens[at].text)
        at -= 1
    return names


def _brackets(tokens: Sequence[Token], at: int) -> list[str]:
    """The names within `[SEGAnalytics sharedAnalytics]`, to which a message is sent."""
    first = _matching(tokens, at, -1) if tokens[at].text == "]" else at
    return [token.text for token in tokens[first:at] if token.kind == "name"]


def _matching(tokens: Sequence[Token], at: int, step: int) -> int:
    """The place of the bracket that belongs to the one at `at`, forwards (`step` 1) or backwards (-1)."""
    depth = 0
    while 0 <= at < len(tokens):
        if tokens[at].kind == "mark":
            depth += (tokens[at].text in _OPEN) - (tokens[at].text in _CLOSE)
        if depth == 0:
            return at
        at += step
    return max(at, 0)


def _arguments(tokens: Sequence[Token], at: int, language: Language) -> list[list[Token]] | None:
    """The call's arguments, each its tokens. None where no call follows."""
    if at >= len(tokens):
        return None
    first = tokens[at]
    if language.name == "objective-c":
        return (
            [[token for token in tokens[at + 1 : at + 3] if token.text != "@"]] if first.text == ":" else None
        )
    if first.kind == "mark" and first.text in "?!" and at + 1 < len(tokens):
        at, first = at + 1, tokens[at + 1]
    if first.text == "(" or (first.text == "{" and language.name == "go"):
        end = _matching(tokens, at, 1)
        if (
            first.text == "("
            and end + 1 < len(tokens)
            and tokens[end + 1].text == "{"
            and _is_definition(tokens[at:end])
        ):
            return None
        return _split(tokens[at + 1 : end])
    if language.name == "ruby" and first.kind in ("name", "string") and tokens[at - 1].line == first.line:
        end = at + 1
        while end < len(tokens) and (tokens[end].line == tokens[end - 1].line or tokens[end - 1].text == ","):
            end += 1
        return _split(tokens[at:end])
    return None


def _is_definition(parameters: Sequence[Token]) -> bool:
    return not any(token.kind == "string" for token in parameters)


def _split(tokens: Sequence[Token]) -> list[list[Token]]:
    """Split at the commas that stand in no inner bracket."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "mark":
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if depth == 0 and token.kind == "mark" and token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _read(parts: list[list[Token]], called: Token, language: Language) -> Call | None:
    entries = _entries(parts)
    event = _beside(parts, language)
    written = f"{called.text}({' '.join(token.text for token in parts[0][:6])}…)"
    if entries is not None and "event" in entries:
        names = {re.sub(r"[^a-z]", "", key.casefold()) for key in entries}
        if not (names & _USERS or entries.keys() & {"...", "**", "&"}):
            event |= {"userId": None, "anonymousId": None}
        return _call(called.line, entries["event"], language, written, event)
    if entries is not None and "name" in entries and language.name in ("swift", "kotlin"):
        return _call(called.line, entries["name"], language, written, event)
    if entries is not None and parts[0][0].text == "{":
        return Call(called.line, None, (), written, event)
    # The server libraries take the user first, the browser's links and forms the element: the name comes second there.
    positions = (1, 0) if len(parts) > 1 else (0,)
    for position in positions:
        name = _text(parts[position], language)
        if name is not None:
            return Call(called.line, name, (), written, event)
    order = (
        positions
        if language.name == "python" or called.text in ("trackLink", "trackForm")
        else positions[::-1]
    )
    references = tuple(name for position in order if (name := _reference(parts[position])))
    return Call(called.line, None, references, written, event)


def _call(line: int, value: list[Token], language: Language, written: str, event: dict[str, Any]) -> Call:
    reference = _reference(value)
    return Call(line, _text(value, language), (reference,) if reference else (), written, event)


def _entries(parts: list[list[Token]]) -> dict[str, list[Token]] | None:
    """Named arguments, or the entries of an object, dictionary or struct that is the first argument; by their names."""
    first = [
        token for token in parts[0] if token.text not in ("&", "new", "analytics", ".", "Track", "array")
    ]
    if first and first[0].text in ("{", "[", "(") and parts[0][0].kind != "string":
        inner = _split(first[1 : _matching(first, 0, 1)])
    else:
        inner = parts
    entries: dict[str, list[Token]] = {}
    for part in inner:
        if part[0].text in ("...", "**"):
            entries[part[0].text] = part[1:]
            continue
        entry = part[1:] if part[0].text == ":" else part
        if len(entry) >= 2 and entry[0].kind in ("name", "string") and entry[1].text in _NAMED:
            key = entry[0].text.strip("\"'`")
            entries[key if key != "Event" else "event"] = entry[2:]
        elif len(entry) == 1 and entry[0].kind == "name" and inner is not parts:
            entries[entry[0].text] = entry
    return entries if entries or inner is not parts else None


def _text(value: Sequence[Token], language: Language) -> str | None:
    strings = [token for token in value if token.kind == "string"]
    others = [
        token
        for token in value
        if token.kind != "string" and token.text not in ("@", "f", "r", "b", "u", "$")
    ]
    if len(strings) != 1 or others:
        return None
    at = value.index(strings[0])
    return written_out(strings[0], language, value[at - 1] if at else None)


def _reference(value: Sequence[Token]) -> str | None:
    """The last name of `Events.ORDER_COMPLETED`, which a constant may define; None for a usual variable name."""
    marks = all(token.kind == "name" or token.text in _REFERENCE_MARKS for token in value)
    name = value[-1].text if marks and value and value[-1].kind == "name" else None
    return None if name is None or (name.isalpha() and name.islower()) or name in _VARIABLES else name


def _beside(parts: list[list[Token]], language: Language) -> dict[str, Any]:
    """A revenue that is written out as a number or a text."""
    tokens = [token for part in parts for token in (*part, Token("mark", ",", 0, 0, 0))]
    for at, token in enumerate(tokens[:-3]):
        key = token.text.strip("\"'`:")
        is_setter = (
            key.casefold() == "setrevenue" and tokens[at + 1].text == "("
        )  # Go, Java: SetRevenue(9.99)
        if not is_setter and (key != "revenue" or tokens[at + 1].text not in (":", "=", "=>", ",")):
            continue
        value, after = tokens[at + 2], tokens[at + 3]
        if after.kind != "mark" or after.text not in (",", ")", "}", "]", ";"):
            continue
        if value.kind == "number":
            number = value.text.replace("_", "")
            return {"properties": {"revenue": float(number) if "." in number else int(number)}}
        text = written_out(value, language) if value.kind == "string" else None
        if text is not None:
            return {"properties": {"revenue": text}}
    return {}
