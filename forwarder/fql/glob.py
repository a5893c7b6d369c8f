"""The glob patterns of `match`: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, `\\x`, against the whole string, case-sensitive.

A `/` is a character like any other. A pattern that is not valid, such as `[a` or a `\\` at its end, matches nothing. This
follows npm `@segment/tsub` (src/matchers.ts, `globMatches`), which follows Segment's own server.
"""

from __future__ import annotations

import re
from collections.abc import Callable


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """The pattern as a function of a string: whether it matches."""
    pieces = _pieces(pattern)
    if pieces is None:
        return lambda _: False
    first, *rest = pieces
    head = re.compile(first[0], re.DOTALL)
    if not rest:
        return lambda text: head.fullmatch(text) is not None
    middle = [re.compile(source, re.DOTALL) for source, _ in rest[:-1]]
    last, length = re.compile(rest[-1][0], re.DOTALL), rest[-1][1]

    def matches(text: str) -> bool:
        match = head.match(text)
        at = match.end() if match else -1
        for piece in middle:
            if at < 0:
                return False
            match = piece.search(text, at)
            at = match.end() if match else -1
        # A piece has a fixed length, so the position of the last one is known.
        return 0 <= at <= len(text) - length and last.match(text, len(text) - length) is not None

    return matches


def _pieces(pattern: str) -> list[tuple[str, int]] | None:
    """The parts between the stars, each as a regular expression and its length in characters; None if not valid."""
    pieces: list[tuple[list[str], int]] = [([], 0)]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            pieces.append(([], 0))
            continue
        if char == "[":
            match = _characters(pattern, at)
            if match is None:
                return None
            source, at = match
        elif char == "?":
            source = "."
        elif char == "\\":
            if at == len(pattern):
                return None
            source = re.escape(pattern[at])
            at += 1
        else:
            source = re.escape(char)
        pieces[-1][0].append(source)
        pieces[-1] = (pieces[-1][0], pieces[-1][1] + 1)
    return [("".join(sources), length) for sources, length in pieces]


def _characters(pattern: str, at: int) -> tuple[str, int] | None:
    """The character class after a `[`: its regular expression and the position after it; None if not valid."""
    negated = pattern[at : at + 1] == "^"
    at += negated
    ranges: list[str] = []
    while not ranges or pattern[at : at + 1] != "]":
        low = _escaped(pattern, at)
        if low is None:
            return None
        char, at = low
        high = char
        if pattern[at : at + 1] == "-":
            match = _escaped(pattern, at + 1)
            if match is None:
                return None
            high, at = match
        ranges.append(f"{re.escape(char)}-{re.escape(high)}" if char <= high else "")
    inside = "".join(ranges)
    if not inside:
        return ("." if negated else "(?!)", at + 1)
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _escaped(pattern: str, at: int) -> tuple[str, int] | None:
    """One character of a class, perhaps escaped, and the position after it; None at the end of the class."""
    if pattern[at : at + 1] in ("", "-", "]"):
        return None
    at += pattern[at] == "\\"
    return (pattern[at], at + 1) if at + 1 < len(pattern) else None
