"""`match`'s glob patterns: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, `\\x`, against the whole text, case counts.

A `/` is a character like any other. A pattern that is broken, such as `[a` or a `\\` at its end, matches nothing. So it is
in npm `@segment/tsub` (src/matchers.ts, `globMatches`), which follows Segment's own server.
"""

from __future__ import annotations

import re
from collections.abc import Callable


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches the pattern, as a function of the text."""
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
        found = head.match(text)
        at = found.end() if found else -1
        for piece in middle:
            if at < 0:
                return False
            found = piece.search(text, at)
            at = found.end() if found else -1
        # Every character of a piece stands for one of the text, so the last one's place is known.
        return 0 <= at <= len(text) - length and last.match(text, len(text) - length) is not None

    return matches


def _pieces(pattern: str) -> list[tuple[str, int]] | None:
    """What stands between the stars, each as a regular expression with the number of characters it takes."""
    pieces: list[tuple[list[str], int]] = [([], 0)]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            pieces.append(([], 0))
            continue
        if char == "[":
            found = _characters(pattern, at)
            if found is None:
                return None
            source, at = found
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
    """A class from behind its `[`: the regular expression and where the class ends; None for a broken one."""
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
            found = _escaped(pattern, at + 1)
            if found is None:
                return None
            high, at = found
        ranges.append(f"{re.escape(char)}-{re.escape(high)}" if char <= high else "")
    inside = "".join(ranges)
    if not inside:
        return ("." if negated else "(?!)", at + 1)
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _escaped(pattern: str, at: int) -> tuple[str, int] | None:
    """One character of a class, with or without a backslash; the class must go on behind it."""
    if pattern[at : at + 1] in ("", "-", "]"):
        return None
    at += pattern[at] == "\\"
    return (pattern[at], at + 1) if at + 1 < len(pattern) else None
