"""Where things stand in a JSON text: the line of each item of a list, and of a name."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[\s,]*")


class JsonText:
    """A JSON text and the lines of what is in it, from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends = [newline.start() for newline in re.finditer("\n", text)]
        self._at = 0

    def line(self, offset: int) -> int:
        """The line of an offset."""
        return bisect_right(self._ends, offset - 1) + 1

    def items(self, key: str | None = None) -> Iterator[tuple[Any, int]]:
        """The items of the text's own list, or of the first list under `key`, each with its line."""
        if key is None:
            start = self.text.index("[")
        else:
            match = re.search(rf'"{re.escape(key)}"\s*:\s*\[', self.text)
            if match is None:
                return
            start = match.end() - 1
        at = _SPACE.match(self.text, start + 1).end()  # type: ignore[union-attr]
        while self.text[at] != "]":
            value, end = _DECODER.raw_decode(self.text, at)
            yield value, self.line(at)
            at = _SPACE.match(self.text, end).end()  # type: ignore[union-attr]

    def line_of_name(self, keys: tuple[str, ...], name: str) -> int:
        """The line of the next `"key": "name"` after the one found before; 0 when there is none."""
        shapes = {json.dumps(name), json.dumps(name, ensure_ascii=False)}
        either = "|".join(re.escape(shape) for shape in shapes)
        pattern = re.compile(rf'"(?:{"|".join(keys)})"\s*:\s*(?:{either})')
        match = pattern.search(self.text, self._at)
        if match is None:
            return 0
        self._at = match.end()
        return self.line(match.end() - 1)
