"""The tokens of a date's text, as in V8's parser."""

import re
from dataclasses import dataclass
from typing import Final

from optilocal.forwarder.javascript.values import WHITESPACE

_TOKEN = re.compile(
    rf"(?P<number>[0-9]+)|(?P<symbol>[:\-+.)])|(?P<space>[{WHITESPACE}])|(?P<word>[^\x00-@{WHITESPACE}]+)|(?P<paren>\()|.",
    re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """One piece of a date's text. `kind` is number, symbol, space, word, other or end."""

    kind: str
    text: str = ""

    @property
    def number(self) -> int:
        # V8 keeps nine significant digits and ignores the rest.
        return int(self.text.lstrip("0")[:9] or "0")

    def is_fixed(self, digits: int) -> bool:
        return self.kind == "number" and len(self.text) == digits

    def is_symbol(self, *symbols: str) -> bool:
        return self.kind == "symbol" and self.text in symbols

    @property
    def sign(self) -> int:
        return {"+": 1, "-": -1}[self.text] if self.is_symbol("+", "-") else 0

    @property
    def is_z(self) -> bool:
        return self.kind == "word" and self.text in ("z", "Z")

    @property
    def milliseconds(self) -> int:
        digits = len(self.text)
        scale = 10 ** abs(min(digits, 9) - 3)
        return int(self.number * scale if digits < 3 else self.number // scale)


END: Final = Token("end")


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None
        kind = match.lastgroup or "other"
        position = _after_parentheses(text, position) if kind == "paren" else match.end()
        tokens.append(Token("other" if kind == "paren" else kind, match[0]))
    tokens.append(END)
    return tokens


def _after_parentheses(text: str, position: int) -> int:
    balance = 0
    while position < len(text) and text[position] != "\0":
        balance += {"(": 1, ")": -1}.get(text[position], 0)
        position += 1
        if balance == 0:
            break
    return position


class Scanner:
    """A cursor over the tokens, which stays at the last one, the end."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def peek(self) -> Token:
        return self._tokens[self._at]

    def next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def skip(self, symbol: str) -> bool:
        if self.peek.is_symbol(symbol):
            self.next()
            return True
        return False
