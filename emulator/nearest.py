"""Names that somebody probably meant: close in case, spacing or spelling, and in words how they differ."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from emulator.wording import quoted

# Between words people write a space, nothing, an underscore, a hyphen, a dot; copied text brings invisible
# marks along.
_SEPARATORS = re.compile(r"[\s_\-.\u00ad\u200b-\u200f\u2060\ufeff]+")
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

    Close means: equal but for case, spacing or separators, or at most one edit in four letters (insertion,
    deletion, replacement, two neighbours swapped); the words may also stand in another order.
    """
    found: dict[str, Near] = {}
    for candidate in candidates:
        if candidate == name or candidate in found:
            continue
        near = _compare(name, candidate)
        if near is not None:
            found[candidate] = near
    # Of names that are equally close the one with fewer letters to change comes first.
    closeness = {
        near.name: (near.distance, OSA.distance(name, near.name), near.name) for near in found.values()
    }
    return sorted(found.values(), key=lambda near: closeness[near.name])[:limit]


def difference(name: str, other: str) -> str:
    """How `other` differs from `name`: "in case", "in spacing", "in spelling", "in word order", …"""
    if fold(name) != fold(other):
        return "in word order" if _words(name) == _words(other) else "in spelling"
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
    allowed = max(len(folded), len(folded_candidate)) // 4
    distance = OSA.distance(folded, folded_candidate, score_cutoff=allowed)
    if distance <= allowed:
        return Near(candidate, "in spelling", distance)
    reordered = OSA.distance("".join(_words(name)), "".join(_words(candidate)), score_cutoff=allowed)
    return Near(candidate, "in word order and spelling", reordered + 1) if reordered <= allowed else None


def _words(name: str) -> list[str]:
    return sorted(word.casefold() for word in _SEPARATORS.split(_WORD_BREAK.sub(" ", name)) if word)


def _spaces(name: str) -> list[tuple[int, str]]:
    """Each separator with the number of letters before it: equal when two names are spaced alike."""
    letters, found = 0, []
    for part in re.split(f"({_SEPARATORS.pattern})", name):
        if _SEPARATORS.fullmatch(part):
            found.append((letters, part))
        else:
            letters += len(part)
    return found


def _where_space(name: str, other: str) -> str:
    for one in (name, other):
        places = [place for place, bare in (("begins", one.lstrip()), ("ends", one.rstrip())) if bare != one]
        if places:
            return f" ({quoted(one)} {' and '.join(places)} with a space)"
    return ""
