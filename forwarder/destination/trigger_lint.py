"""Probable mistakes in a trigger: text that Segment's FQL does not parse, or gives another meaning without an error.

The dialect is that of @segment/destination-subscriptions 3.37 (parse-fql.ts, validate.ts); docs/segment.md lists its
surprises.
"""

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from optilocal.forwarder.destination.trigger import compile_trigger

EXAMPLE: Final = 'type = "track" and event = "Order Completed"'
FIELDS: Final = ("type", "event", "name", "userId", "properties", "context", "traits")
TYPES: Final = ("track", "identify", "page", "screen", "group", "alias")
FUNCTIONS: Final = ("contains", "match")
_KNOWN: Final = "there are type, event, name, userId, properties.…, context.… and traits.…"
_INSTEAD: Final = {"&&": "and", "||": "or", "==": "=", "===": "=", "!==": "!=", "<>": "!="}
_TOKEN: Final = re.compile(
    r"""\s*("[^"]*"|'[^']*'|&&|\|\||===?|!==|!=|<=|>=|<>|[A-Za-z_$][\w.$-]*|[-+]?\d[\d.]*|\S)"""
)


@dataclass(frozen=True)
class TriggerNote:
    """One probable mistake in a trigger: its position, its text, and what to write instead."""

    at: int
    text: str
    message: str


@dataclass(frozen=True)
class _Token:
    at: int
    text: str
    depth: int


def lint_trigger(trigger: str, event_names: Collection[str] = ()) -> list[TriggerNote]:
    """Every probable mistake in a trigger, in its order.

    `event_names` are the known names of events: a name that differs from one of them in case only is a mistake.
    """
    tokens = list(_tokens(trigger))
    notes = [
        *_characters(tokens),
        *_parentheses(tokens),
        *_connectives(tokens),
        *_fields(tokens),
        *_values(tokens, event_names),
    ]
    if not notes and (problem := compile_trigger(trigger).problem) is not None:
        why = "it is empty" if not trigger.strip() else f"Segment says: {problem}"
        notes.append(
            TriggerNote(0, trigger, f"the trigger cannot be parsed ({why}); write it like {EXAMPLE}")
        )
    return sorted(notes, key=lambda note: note.at)


def _tokens(trigger: str) -> Iterator[_Token]:
    depth = 0
    for match in _TOKEN.finditer(trigger):
        text = match[1]
        depth -= text == ")"
        yield _Token(match.start(1), text, depth)
        depth += text == "("


def _note(token: _Token, message: str) -> TriggerNote:
    return TriggerNote(token.at, token.text, message)


def _characters(tokens: list[_Token]) -> Iterator[TriggerNote]:
    """Operators of other languages, and quotes that FQL does not have."""
    for token in tokens:
        if token.text in _INSTEAD:
            yield _note(token, f"write `{_INSTEAD[token.text]}` instead of {token.text}")
        elif token.text.startswith("'") and len(token.text) > 1:
            inner = token.text[1:-1]
            yield _note(token, f'write "{inner}": single quotes become part of the value')
        elif token.text in "“”„‘’":
            yield _note(token, f'write straight double quotes instead of {token.text}: "Order Completed"')
        elif token.text in ("'", '"'):
            yield _note(token, f"the quote {token.text} is never closed")
        elif token.text in ":;{}&|":
            yield _note(token, f"{token.text} does not belong in a trigger; write it like {EXAMPLE}")


def _parentheses(tokens: list[_Token]) -> Iterator[TriggerNote]:
    """Nested or unclosed parentheses, and `!` before a parenthesis: it negates functions only."""
    opened: list[_Token] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.text == "(":
            call = before is not None and before.text in FUNCTIONS
            if before is not None and before.text == "!":
                yield _note(
                    token,
                    "`!` before a parenthesis negates nothing; write != in the conditions, or !contains(…)",
                )
            elif opened and not call:
                yield _note(token, "parentheses within parentheses are not supported; there is one level")
            opened.append(token)
        elif token.text == ")":
            if opened:
                opened.pop()
            else:
                yield _note(token, "this parenthesis closes nothing")
    for token in opened:
        yield _note(token, "this parenthesis is never closed")


def _connectives(tokens: list[_Token]) -> Iterator[TriggerNote]:
    """`and` and `or` in upper case, `not`, and both of `and` and `or` on one level, where the last joins all
    conditions.
    """
    used: dict[int, str] = {}
    for token in tokens:
        word = token.text.lower()
        if word not in ("and", "or", "not"):
            continue
        if word == "not":
            yield _note(token, 'there is no `not`; write != or !contains(event, "…")')
        elif token.text != word:
            yield _note(token, f"write `{word}`: {token.text} in capitals connects nothing")
        elif used.setdefault(token.depth, word) != word:
            yield _note(
                token,
                "`and` and `or` are mixed, and Segment takes the last one for all conditions; put parentheses around what "
                "belongs together",
            )


def _fields(tokens: list[_Token]) -> Iterator[TriggerNote]:
    """Fields and functions that do not exist."""
    about_tracks = any(
        (left.text, sign.text, right.text) == ("type", "=", '"track"')
        for left, sign, right in zip(tokens, tokens[1:], tokens[2:], strict=False)
    )
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        begins = before is None or before.text in ("and", "or", "!", "(", "&&", "||", "AND", "OR")
        if (
            not begins
            or not re.match(r"[A-Za-z_$]", token.text)
            or token.text.lower() in ("and", "or", "not")
        ):
            continue
        first = token.text.split(".")[0]
        if after is not None and after.text == "(":
            if token.text not in FUNCTIONS:
                close = _close(token.text, FUNCTIONS)
                yield _note(token, f"there is no function {token.text}{close}; there are contains and match")
        elif first not in FIELDS:
            close = _close(first, FIELDS)
            yield _note(
                token,
                f"a Segment event has no field {token.text}{close}, so the condition is ignored; {_KNOWN}",
            )
        elif first == "traits" and about_tracks:
            yield _note(token, f"a track event has no traits of its own; write context.{token.text}")


def _values(tokens: list[_Token], event_names: Collection[str]) -> Iterator[TriggerNote]:
    """Types that do not exist, patterns that match nothing, and names in another case than the events'."""
    for left, sign, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        value = right.text[1:-1] if right.text.startswith('"') and len(right.text) > 1 else None
        if value is None:
            continue
        if left.text == "type" and sign.text in ("=", "!=") and value not in TYPES:
            close = _close(value, TYPES)
            yield _note(right, f"no event has the type {right.text}{close}; there are {', '.join(TYPES)}")
        elif left.text == "event" and sign.text in ("=", "!=") and value not in event_names:
            folded = {name.casefold(): name for name in event_names}
            if value.casefold() in folded:
                yield _note(right, f'no event is called {right.text}; write "{folded[value.casefold()]}"')
    for name, field, pattern in _calls(tokens, "match"):
        if not (pattern.text.startswith('"*') or pattern.text.endswith('*"')):
            yield _note(
                pattern,
                f'{name.text} takes a pattern that begins or ends with *, such as {name.text}({field.text}, "Product*")',
            )


def _calls(tokens: list[_Token], function: str) -> Iterator[tuple[_Token, _Token, _Token]]:
    for name, opened, field, comma, value in zip(*(tokens[skip:] for skip in range(5)), strict=False):
        if (name.text, opened.text, comma.text) == (function, "(", ",") and value.text.startswith('"'):
            yield name, field, value


def _close(word: str, choices: Collection[str]) -> str:
    matches = difflib.get_close_matches(word.lower(), [choice.lower() for choice in choices], 1)
    return next(
        (f" (did you mean {choice}?)" for choice in choices if matches and choice.lower() == matches[0]), ""
    )
