"""One visitor's id wherever it stands: in fields that name a person, in texts, and in every spelling of it."""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from optilocal.emulator.json_text import dumps, loads

ERASED = "[erased]"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Fields whose value is an id of something else, a name of the datafile or a time, and never the visitor's id.
_NO_PERSON = frozenset((
    "account_id", "account_ids", "accountId", "project_id", "projectId", "sdkKey", "revision", "region", "client_name",
    "client_version", "campaign_id", "experiment_id", "variation_id", "entity_id", "uuid", "key", "type", "kind",
    "event_key", "eventKey", "flag_key", "rule_key", "rule_type", "variation_key", "timestamp", "received_at", "at",
    "number", "message_id", "messageId", "namespace", "code", "method", "surface", "status",
))  # fmt: skip
# Ids of persons: erased when equal to the visitor's id, never searched for it as a part.
_IDENTITY = frozenset(["visitor_id", "user_id", "anonymous_id", "userId", "anonymousId"])
# Under these names the sender chooses all others.
_FREE = frozenset(["tags", "properties", "traits", "context", "integrations"])
_PERSON = re.compile(
    r"(visitor|user|anonymous|customer|member|person|profile|subscriber|contact|previous|distinct|external|fullstack)"
    r"(id|uid|uuid|guid|key|identifier)$|^\d*(visitor|user|enduser|customer|member|person|identifier|identity|uid)$"
)
# A name before a value in a text: `userId=`, `"visitor_id": "`, and both percent-encoded.
_NAME_BEFORE = re.compile(
    r"([\w$.-]{1,60})(?:\\*[\"']|%(?:25)*22)?\s{0,4}(=|:|%(?:25)*3[Dd]|%(?:25)*3[Aa])\s{0,4}(\\*[\"']|%(?:25)*22)?$"
)
_QUOTE_BEFORE, _QUOTE_AFTER = re.compile(r"([\"']|%(?:25)*2[27])$"), re.compile(r"\\*[\"']|%(?:25)*2[27]")
_SAID_BEFORE = re.compile(r"(?:visitor|user|fullstack_id)\W{1,3}$", re.I)
_LOOK_BACK = 100
_GRAMMAR = frozenset('[]{},:" \n')
# A word ends where another kind of character stands, or an escape ends: the `3D` of `%3D` is no part of the word.
_BEFORE = r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\[nrtbf]))"
_AFTER = r"(?![\w-])"


@lru_cache(1_000)
def names_person(name: str) -> bool:
    """Whether a field of this name tells who somebody is: `visitor_id`, `userId`, `X-User-Id`, `identifier`."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return _PERSON.search(plain.removesuffix("s")) is not None


def is_telling(visitor_id: str) -> bool:
    """Whether an id is so long and odd that a word equal to it means the visitor: not `1`, `gold` or `1.2.3`."""
    if visitor_id.isalpha() and visitor_id.isascii():
        return len(visitor_id) >= 12
    return len(visitor_id) >= (5 if re.search(r"[^\W\d_]", visitor_id) else 8)


def whole(text: str) -> str:
    """The text with half surrogate pairs replaced as the Event API's reader replaces them."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def _hex(digits: str) -> str:
    return "".join(f"[{d.lower()}{d.upper()}]" if d.isalpha() else d for d in digits)


def _spelling(character: str) -> str:
    """A pattern of every way to write one character: plain, percent-encoded (twice, too), escaped in JSON or HTML."""
    utf8, code = character.encode(), ord(character)
    ways = ["".join(f"%(?:25)*{_hex(f'{byte:02x}')}" for byte in utf8)]
    units = character.encode("utf-16-be").hex()
    ways += ["".join(rf"\\+u{_hex(units[at : at + 4])}" for at in range(0, len(units), 4))]
    if code > 127:
        # Raw UTF-8 in an address or a header is read as Latin-1, byte by byte.
        ways.append(re.escape(utf8.decode("latin-1")))
    if 127 < code < 256:
        ways.append(f"%(?:25)*{_hex(f'{code:02x}')}")
    if character in "\n\r\t\b\f":
        ways.append(r"\\+" + {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}[character])
    if character == " ":
        ways.append(r"\+")
    if character == "\ufffd":
        ways.append(r"\\+u[dD][89a-fA-F][0-9a-fA-F]{2}")
    if html.escape(character) != character:
        ways.append(re.escape(html.escape(character)))
    plain = re.escape(character)
    if character == "\\":
        plain = r"\\+"
    elif character in "\"'/":
        plain = r"\\*" + plain
    return f"(?:{'|'.join([plain, *ways])})"


def _without(text: str, hits: list[re.Match[str]]) -> str:
    parts, done = [], 0
    for hit in hits:
        parts += [text[done : hit.start()], ERASED]
        done = hit.end()
    return "".join([*parts, text[done:]])


class Traces:
    """What finds one visitor's id. Short and plain ids are looked for only where a person is named, for in other
    people's texts and numbers a `1` means anything; longer ones wherever they stand as a word of their own.
    """

    def __init__(self, visitor_id: str) -> None:
        self.id = whole(visitor_id)
        self.telling = is_telling(self.id)
        pattern = "".join(_spelling(character) for character in self.id)
        self._spelt = re.compile(pattern)
        # A backslash at an end, or one that escapes a quote there, takes all that it is doubled to.
        self._before = re.compile((r"(?<!\\)" if self.id[:1] in "\\\"'/" else "") + _BEFORE)
        after = _AFTER + (r"(?!\\)" if self.id.endswith("\\") else "")
        self._word_end = re.compile(pattern + after)
        literal = "|".join(re.escape(text) for text in {self.id, self.id.encode().decode("latin-1")})
        self._literal_end = re.compile(f"(?:{literal}){after}")
        utf8 = self.id.encode()
        self._plain = {self.id, utf8.decode("latin-1"), dumps(self.id)[1:-1]}
        marks = {"%", "\\u"}
        marks |= {"\\"} if re.search(r"[\"'\\/\x00-\x1f]", self.id) else set()
        marks |= {"+"} if " " in self.id else set()
        marks |= {"&"} if html.escape(self.id) != self.id else set()
        self._marks = tuple(marks)

    def may_be_in(self, text: str) -> bool:
        """Whether the id stands somewhere in the text in any spelling: a quick look, before anything is taken apart."""
        if any(plain in text for plain in self._plain):
            # A short id is in every number; a word of its own it is more rarely.
            return self.telling or next(self._words(text), None) is not None
        return any(mark in text for mark in self._marks) and self._spelt.search(text) is not None

    def _words(self, text: str) -> Iterator[re.Match[str]]:
        """The id as a word of its own. Most texts have nothing in which it could be spelt otherwise: that is faster."""
        ends, at = self._word_end if any(mark in text for mark in self._marks) else self._literal_end, 0
        while hit := ends.search(text, at):
            if self._before.match(text, hit.start()):
                yield hit
                at = hit.end()
            else:
                at = hit.start() + 1

    def same(self, value: object) -> bool:
        """Whether a JSON value is this id; an id may have been sent as a number."""
        if isinstance(value, str):
            return value == self.id or whole(value) == self.id
        return isinstance(value, int | float) and not isinstance(value, bool) and str(value) == self.id

    def is_entry(self, value: object) -> bool:
        """Whether this is an entry of an event batch that is all about the visitor."""
        return isinstance(value, dict) and self.same(value.get("visitor_id"))

    # -- JSON values

    def clean(self, value: Any, name: str = "", free: bool = False) -> Any:
        """A JSON value without the visitor: its entries of event batches gone, its id erased wherever else it is told.

        `name` is the field that holds the value, and `free` says that it stands where senders write what they like.
        """
        if isinstance(value, dict):
            return self._object(value, name, free)
        if isinstance(value, list):
            items = [item for item in value if not (name == "visitors" and self.is_entry(item))]
            return [self.clean(item, name, free) for item in items]
        if isinstance(value, str):
            return self._string(value, name)
        return ERASED if names_person(name) and self.same(value) else value

    def _object(self, value: dict[str, Any], name: str, free: bool) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        by_person = names_person(name)
        for key, item in value.items():
            if by_person and self.same(key):
                continue
            if not isinstance(item, dict | list) and self._belongs_to_something_else(key, value, free, item):
                cleaned[key] = item
                continue
            # An attribute is called by its `key` and has its value beside it.
            called = value["key"] if key == "value" and isinstance(value.get("key"), str) else key
            shown_key = self.in_text(key) if self.telling else key
            cleaned[shown_key] = self.clean(item, called, free or key in _FREE)
        return cleaned

    def _belongs_to_something_else(self, key: str, beside: dict[str, Any], free: bool, item: object) -> bool:
        """Whether a field holds something that cannot be this visitor's id."""
        if key == "identifier" and beside.get("identifier_type", "fullstack_id") != "fullstack_id":
            return True
        if key in _IDENTITY:
            return not self.same(item)
        return key in _NO_PERSON and not free

    def _string(self, value: str, name: str) -> str:
        if not self.may_be_in(value):
            return value
        if self.same(value):
            return ERASED if self.telling or names_person(name) else value
        # JSON inside a text, with or without the mark of a typed value.
        mark = value[: value.startswith("\ue000")]
        if value[len(mark) : len(mark) + 1] in ("{", "["):
            try:
                inner = loads(value[len(mark) :])
                cleaned = self.clean(inner, name, free=True)
                return value if cleaned == inner else mark + dumps(cleaned)
            except (ValueError, RecursionError):
                pass
        return self.in_text(value)

    # -- texts

    def _hits(self, text: str) -> list[re.Match[str]]:
        return list(self._words(text)) if self.may_be_in(text) else []

    def _named(self, text: str, hit: re.Match[str]) -> tuple[str, bool]:
        """The name that stands before a hit, if any, and whether it is told as its value, between quotes or after `=`."""
        before = text[max(0, hit.start() - _LOOK_BACK) : hit.start()]
        name = _NAME_BEFORE.search(before)
        quoted = _QUOTE_BEFORE.search(before) and _QUOTE_AFTER.match(text, hit.end())
        if not name:
            return "", bool(quoted)
        equals = name[2] == "=" or name[2][-1:] in "dD"
        return name[1], bool(quoted or equals)

    def in_text(self, text: str) -> str:
        """A text with the id erased: every word equal to a telling id, another one only as `userId=…` and the like."""
        return _without(text, [hit for hit in self._hits(text) if self.telling or self._is_told(text, hit)])

    def _is_told(self, text: str, hit: re.Match[str]) -> bool:
        name, is_value = self._named(text, hit)
        return is_value and names_person(name)

    def in_note(self, text: str) -> str:
        """One of our own sentences with the id erased; they say `visitor 'u-1'`."""
        cleaned = self.in_text(text)
        named = [
            hit
            for hit in self._hits(cleaned)
            if _SAID_BEFORE.search(cleaned[max(0, hit.start() - _LOOK_BACK) : hit.start()])
        ]
        return _without(cleaned, named)

    def in_query(self, query: str) -> str:
        """A query string with the id erased."""
        if not self.may_be_in(query):
            return query
        parts = []
        for part in re.split(r"([&;])", query):
            name, equals, value = part.partition("=")
            whole_value = equals and self._spelt.fullmatch(value)
            if whole_value and (self.telling or names_person(name)):
                parts.append(f"{name}={ERASED}")
            else:
                parts.append(self.in_text(part))
        return "".join(parts)

    def may_be_told_in(self, text: str) -> bool:
        """Whether a text that cannot be taken apart may mean the visitor: whole values count, whatever names them."""
        return any(self.telling or self._may_mean(text, hit) for hit in self._hits(text))

    def _may_mean(self, text: str, hit: re.Match[str]) -> bool:
        name, is_value = self._named(text, hit)
        if names_person(name):
            # What follows `"visitors":` may be the grammar of JSON, and no id that is written like it.
            return is_value or not _GRAMMAR.issuperset(self.id)
        return is_value and name not in _NO_PERSON

    def ends_within(self, text: str) -> bool:
        """Whether our own JSON was cut off within the id."""
        head, quote, tail = text.rpartition('"')
        name = _NAME_BEFORE.search(head[-_LOOK_BACK:] + quote)
        return bool(tail and name and names_person(name[1]) and dumps(self.id)[1:-1].startswith(tail))
