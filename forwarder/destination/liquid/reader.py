"""Reads a Liquid template character by character, with the characters of Segment's dialect."""

from typing import Final

from optilocal.forwarder.errors import LiquidTokenizationError
from optilocal.forwarder.javascript.json import quote
from optilocal.forwarder.javascript.values import utf16_length, utf16_slice

BLANKS: Final = frozenset(
    "\t\n\v\f\r \u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_NOT_WORDS: Final = BLANKS | frozenset("\u201c\u201d")
_ASCII_WORDS: Final = frozenset("-?_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS: Final = frozenset("0123456789")
QUOTES: Final = frozenset("\"'")


def is_word(char: str) -> bool:
    """Whether a character may be part of a name; False for the empty string, the end."""
    return char in _ASCII_WORDS if char < "\x80" else char not in _NOT_WORDS


def place(message: str, source: str, position: int) -> str:
    """A message with the line and column, both from 1, of a position in a template."""
    before = source[:position]
    line = before.count("\n") + 1
    column = utf16_length(before[before.rfind("\n") + 1 :]) + 1
    return f"{message}, line:{line}, col:{column}"


class Reader:
    """A cursor over `source` from `at` up to `stop`."""

    def __init__(self, source: str, at: int = 0, stop: int | None = None) -> None:
        self.source = source
        self.at = at
        self.stop = len(source) if stop is None else stop

    @property
    def ended(self) -> bool:
        return self.at >= self.stop

    def peek(self, ahead: int = 0) -> str:
        """The character `ahead` of the cursor; empty at the end."""
        position = self.at + ahead
        return self.source[position] if position < self.stop else ""

    def take(self) -> str:
        """The character at the cursor, which moves on; past the end too, as in Segment's engine."""
        char = self.source[self.at : self.at + 1]
        self.at += 1
        return char

    def skip_blanks(self) -> None:
        while self.peek() in BLANKS:
            self.at += 1

    def starts_with(self, expected: str) -> bool:
        return self.source.startswith(expected, self.at)

    def follows(self, expected: str) -> bool:
        """Whether the text ends with `expected` at the cursor."""
        return self.source.endswith(expected, 0, self.at)

    def read_past(self, expected: str) -> bool:
        """Moves behind the next `expected`; False, and the end, if there is none."""
        while self.at < self.stop:
            self.at += 1
            if self.follows(expected):
                return True
        return False

    def read_delimited(self, delimiter: str, *, respect_quotes: bool = False) -> bool:
        """Moves behind a closing delimiter, with `respect_quotes` behind one outside of quotes."""
        self.skip_blanks()
        while self.at < self.stop:
            if respect_quotes and self.peek() in QUOTES:
                self.read_quoted()
                continue
            self.at += 1
            if self.follows(delimiter):
                return True
        return False

    def read_name(self) -> str:
        """A name, empty if there is none; blanks before it are skipped."""
        self.skip_blanks()
        start = self.at
        while not self.ended and is_word(self.peek()):
            self.at += 1
        return self.source[start : self.at]

    def read_quoted(self) -> str | None:
        """A quoted string with its quotes, the last of which may be missing; None if there is no quote."""
        self.skip_blanks()
        start = self.at
        if self.peek() not in QUOTES:
            return None
        self.at += 1
        escaped = False
        while self.at < self.stop:
            char = self.source[self.at]
            self.at += 1
            if char == self.source[start] and not escaped:
                break
            escaped = char == "\\" and not escaped
        return self.source[start : self.at]

    def match_word(self, words: frozenset[str]) -> str | None:
        """The longest of `words` at the cursor, where no other character of a name may follow it."""
        length = 0
        matches = False
        while self.at + length < self.stop:
            candidate = self.source[self.at : self.at + length + 1]
            if not any(word.startswith(candidate) for word in words):
                break
            length += 1
            matches = matches or candidate in words
        if not matches or (is_word(self.source[self.at + length - 1]) and is_word(self.peek(length))):
            return None
        return self.source[self.at : self.at + length]

    def snapshot(self, start: int | None = None) -> str:
        """The text at the cursor, quoted and shortened, for messages."""
        shown = self.source[self.at if start is None else start : self.stop]
        if utf16_length(shown) > 32:
            shown = utf16_slice(shown, 0, 29) + "..."
        return quote(shown)

    def error(self, message: str, position: int | None = None) -> LiquidTokenizationError:
        """An error at the cursor, or at a position."""
        return LiquidTokenizationError(place(message, self.source, self.at if position is None else position))
