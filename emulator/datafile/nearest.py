"""Names that somebody probably meant: close in case, spacing or spelling, and in words how they differ."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from optilocal.emulator.wording import quoted

# Between words people write a space, nothing, an underscore, a hyphen, a dot; copied text brings invisible
# marks along.
_SEPARATORS = re.compile(r"[\s_\-.\u00ad\u200b-\u200f\u2060\ufeff]+")
_UNSEEN = re.compile(r"[^\S ]|[\u00ad\u200b-\u200f\u2060\ufeff]")
_ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC"})
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Near:
    """A close name, how it differs from the one asked for, and a distance (0: only case or spacing)."""

    name: str
    difference: str
    distance: int


def fold(name: str) -> str:
    """What is left of a name when case, spacing, separators and the Unicode form are disregarded."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name)).casefold()


def nearest(name: str, candidates: Iterable[str], limit: int = 3) -> list[Near]:
    """The candidates truly close to `name`, best first, at most `limit`, without the name itself.

    Close means: equal but for case, spacing or separators, or at most one edit in four letters, or in three of
    a short name (insertion, deletion, replacement, two neighbours swapped); the words may also stand in another
    order.
    """
    close: dict[str, Near] = {}
    for candidate in candidates:
        if candidate == name or candidate in close:
            continue
        near = _compare(name, candidate)
        if near is not None:
            close[candidate] = near
    if len(close) < 2:
        return list(close.values())[:limit]
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - slow to import

    # Of names that are equally close the one with fewer letters to change comes first.
    closeness = {
        near.name: (near.distance, OSA.distance(name, near.name), near.name) for near in close.values()
    }
    return sorted(close.values(), key=lambda near: closeness[near.name])[:limit]


def difference(name: str, other: str) -> str:
    """How `other` differs from `name`: "in case", "in spacing", "in spelling", "in word order", …"""
    if fold(name) != fold(other):
        return "in word order" if _words(name) == _words(other) else f"in spelling{_lookalike(name, other)}"
    ways = []
    plain, plain_other = unicodedata.normalize("NFKC", name), unicodedata.normalize("NFKC", other)
    if _SEPARATORS.sub("", plain) != _SEPARATORS.sub("", plain_other):
        ways.append("case")
    if _spaces(unicodedata.normalize("NFC", name)) != _spaces(unicodedata.normalize("NFC", other)):
        ways.append("spacing")
    if not ways:
        return "in its Unicode form"
    return "in " + " and ".join(ways) + _where_space(name, other)


def _compare(name: str, candidate: str) -> Near | None:
    folded, folded_candidate = fold(name), fold(candidate)
    if not folded or not folded_candidate:
        return None
    if folded == folded_candidate:
        return Near(candidate, difference(name, candidate), 0)
    if _words(name) == _words(candidate):
        return Near(candidate, "in word order", 1)
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - slow to import

    longest = max(len(folded), len(folded_candidate))
    allowed = longest // 4 if longest > 3 else longest // 3
    distance = OSA.distance(folded, folded_candidate, score_cutoff=allowed)
    if distance <= allowed:
        return Near(candidate, f"in spelling{_lookalike(name, candidate)}", distance)
    reordered = OSA.distance("".join(_words(name)), "".join(_words(candidate)), score_cutoff=allowed)
    return Near(candidate, "in word order and spelling", reordered + 1) if reordered <= allowed else None


def _words(name: str) -> list[str]:
    return sorted(word.casefold() for word in _SEPARATORS.split(_WORD_BREAK.sub(" ", name)) if word)


def _spaces(name: str) -> list[tuple[int, str]]:
    """Each separator with the number of letters before it: equal when two names are spaced alike."""
    letters, separators = 0, []
    for part in re.split(f"({_SEPARATORS.pattern})", name):
        if _SEPARATORS.fullmatch(part):
            separators.append((letters, part))
        else:
            letters += len(part)
    return separators


def _where_space(name: str, other: str) -> str:
    """What is easily overlooked about the spacing: marks that do not show, spaces at either end."""
    for one, another in ((name, other), (other, name)):
        unseen = [char for char in one if _UNSEEN.fullmatch(char) and char not in another]
        if unseen:
            return f" ({quoted(one)} has {_named(unseen[0])})"
    for one in (name, other):
        places = [place for place, bare in (("begins", one.lstrip()), ("ends", one.rstrip())) if bare != one]
        if places:
            return f" ({quoted(one)} {' and '.join(places)} with a space)"
    return ""


def _lookalike(name: str, other: str) -> str:
    """A letter of another alphabet that looks the same, which nobody would find by reading."""
    for one, another in zip(name, other, strict=False) if len(name) == len(other) else ():
        scripts = [unicodedata.name(char, "").split(" ")[0] for char in (one, another)]
        if scripts[0] != scripts[1] and set(scripts) <= _ALPHABETS:
            return f" ({quoted(one)} in {quoted(name)} is a {scripts[0].capitalize()} letter)"
    return ""


def _named(char: str) -> str:
    names = {"\t": "tab", "\n": "line break", "\r": "line break"}
    return f"a {names.get(char) or unicodedata.name(char, 'control character').lower()}"
