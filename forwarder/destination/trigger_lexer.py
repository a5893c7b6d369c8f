"""The lexer of Segment's FQL for triggers, with its peculiarities.

Source: @segment/destination-subscriptions parse-fql.ts.
"""

from dataclasses import dataclass
from typing import Final

END: Final = ""
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS: Final = frozenset("0123456789")
_SPACES: Final = frozenset(" \t\n")
_TERMINATORS: Final = frozenset({*_SPACES, ",", "]", ")", END})
_IN_NAME: Final = _LETTERS | _DIGITS | frozenset("_-\\")
_AFTER_NAME: Final = _TERMINATORS | frozenset(".(=!")
_SINGLE: Final = {
    ".": "dot",
    "[": "brackleft",
    "]": "brackright",
    ",": "comma",
    "(": "parenleft",
    ")": "parenright",
}
_WORDS: Final = {"a": ("nd", "conditional"), "o": ("r", "conditional"), "n": ("ull", "null")}


class LexerError(ValueError):
    """The text has characters that are not a token."""


@dataclass(frozen=True)
class Token:
    """One token: `type` is ident, dot, operator, conditional, string, number, null, a bracket's name, comma or eos."""

    type: str
    value: str


EOS: Final = Token("eos", "eos")


def lex(text: str) -> list[Token]:
    """Splits a text; the last token is `EOS`. Raises `LexerError`."""
    return _Lexer(text).tokens()


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def tokens(self) -> list[Token]:
        read_tokens: list[Token] = []
        while True:
            char = self._next()
            if char == END:
                return [*read_tokens, EOS]
            if char not in _SPACES:
                read_tokens.append(self._token(char))

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += len(char)
        return char

    def _token(self, char: str) -> Token:
        if char == "!" and (self._peek() in _LETTERS or self._peek() == "("):
            return Token("operator", "!")
        if char == "=":
            return Token("operator", "=")
        if char == "!":
            if self._accept("="):
                return Token("operator", "!=")
            raise LexerError(f"expected '=' after '!', got '{self._peek()}'")
        if char in "<>":
            return Token("operator", char + "=" if self._accept("=") else char)
        if char in _WORDS:
            rest, type_name = _WORDS[char]
            return Token(type_name, char + rest) if self._accept(rest) else self._name(char)
        if char in _LETTERS or char in "\\_":
            return self._name(char)
        if char in _DIGITS or char in "-+":
            return self._number(char)
        if char in "\"'":
            return self._string(char)
        if char in _SINGLE:
            return Token(_SINGLE[char], char)
        raise LexerError(f'invalid character "{char}"')

    def _accept(self, expected: str) -> bool:
        """Reads the expected text if it is next and ends a word. At the end of the text the characters are lost."""
        start = self._at
        word = ""
        for _ in expected:
            char = self._next()
            if char == END:
                return False
            word += char
            if char in _TERMINATORS:
                break
        if word == expected and self._peek() in _TERMINATORS:
            return True
        self._at = start
        return False

    def _string(self, quote: str) -> Token:
        text = ""
        while self._peek() != quote:
            char = self._next()
            if char == END:
                raise LexerError("unterminated string")
            text += char
        # Unless a word ends after it, the closing quote is not read, and opens another string.
        self._accept(quote)
        return Token("string", quote + text + quote)

    def _number(self, first: str) -> Token:
        text = first
        is_decimal = False
        while self._peek() in _DIGITS or self._peek() == ".":
            char = self._next()
            text += char
            if char == ".":
                if self._peek() in _TERMINATORS:
                    raise LexerError("unexpected terminator after decimal point")
                if is_decimal:
                    raise LexerError("multiple decimal points in one number")
                is_decimal = True
        return Token("number", text)

    def _name(self, first: str) -> Token:
        text = ""
        char = first
        while True:
            if char == "\\":
                char = self._next()
                if char == END:
                    raise LexerError("expected character after escape character, got EOS")
            text += char
            if self._peek() not in _IN_NAME:
                break
            char = self._next()
        if self._peek() not in _AFTER_NAME:
            raise LexerError(f"expected termination character after identifier, got {self._peek()}")
        return Token("ident", text)
