"""The glob patterns of `match`: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, `\\x`, against the whole string, case-sensitive.

A `/` is a character like any other. A pattern that is not valid, such as `[a` or a `\\` at its end, matches nothing. This
follows npm `@segment/tsub` (src/matchers.ts, `globMatches`), which follows Segment's own server.
"""

import re
from collections.abc import Callable


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """The pattern as a function of a string: whether it matches."""
    pieces = _pieces(pattern)
    if pieces is None:
        return lambda _: False
    first, *rest = pieces
    # What is between two stars is looked for once, at the first place after the one before: no pattern takes long.
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    last = f".*{rest[-1]}" if rest else ""
    regex = re.compile(first + middle + last, re.DOTALL)
    return lambda text: regex.fullmatch(text) is not None


def _pieces(pattern: str) -> list[str] | None:
    """The parts between the stars as regular expressions, each of a fixed length; None for a pattern that is not valid."""
    pieces = [""]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            pieces.append("")
        elif char == "[":
            match = _characters(pattern, at)
            if match is None:
                return None
            source, at = match
            pieces[-1] += source
        elif char == "?":
            pieces[-1] += "."
        elif char == "\\":
            if at == len(pattern):
                return None
            pieces[-1] += re.escape(pattern[at])
            at += 1
        else:
            pieces[-1] += re.escape(char)
    return pieces


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
