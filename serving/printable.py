"""Makes text from clients safe for a terminal or a build's log: it contains no control characters."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: object, *, lines: bool = False) -> str:
    """The text with every character that is not printable as a JSON escape: ESC as `\\u001b`.

    Line breaks and tabs are left as they are with `lines`. A JSON text stays the same JSON.
    """
    content = str(text)
    if content.isprintable():
        return content
    plain = "\n\t" if lines else ""
    return "".join(
        letter if letter.isprintable() or letter in plain else _escaped(letter) for letter in content
    )


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return _SHORT.get(letter) or "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
