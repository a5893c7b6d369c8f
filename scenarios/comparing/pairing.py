"""Which expected item belongs to which captured one: the same first, then by uuid, then the nearest."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from optilocal.scenarios.language.matchers import Matcher

_ALL_AGAINST_ALL = 250_000
"""Up to this many comparisons each item is held against each; beyond it only against those of the same visitor and key,
and of very many of those only against near ones."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Index pairs (expected, captured), those that are the same apart, and the indices that stayed alone."""

    same: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]
    missing: tuple[int, ...]
    unexpected: tuple[int, ...]


def pair(expected: list[Any], captured: list[Any]) -> Pairing:
    """Pair two lists whose order does not matter."""
    left, right = dict.fromkeys(range(len(expected))), dict.fromkeys(range(len(captured)))
    same_pairs: list[tuple[int, int]] = []
    pairs: list[tuple[int, int]] = []

    def settle(one: int, other: int, into: list[tuple[int, int]] = pairs) -> None:
        del left[one], right[other]
        into.append((one, other))

    for identity, into in ((_canonical, same_pairs), (_uuids, pairs)):
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for other in right:
            key = identity(captured[other])
            if key is not None:
                waiting[key].append(other)
        for one in list(left):
            key = identity(expected[one])
            if key is not None and waiting.get(key):
                settle(one, waiting[key].popleft(), into)
    wanted = {one: _Facts(expected[one]) for one in left}
    given = {other: _Facts(captured[other]) for other in right}
    scored = []
    for one, other in _candidates(expected, captured, list(left), list(right)):
        same, total = _score(wanted[one], given[other])
        if same:
            scored.append((-same / total, one, other))
    for _, one, other in sorted(scored):
        if one in left and other in right:
            settle(one, other)
    return Pairing(tuple(same_pairs), tuple(sorted(pairs)), tuple(left), tuple(right))


def _candidates(
    expected: list[Any], captured: list[Any], left: list[int], right: list[int]
) -> Iterator[tuple[int, int]]:
    if len(left) * len(right) <= _ALL_AGAINST_ALL:
        yield from ((one, other) for one in left for other in right)
        return
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for other in right:
        groups[_group(captured[other])].append(other)
    wanting: dict[Hashable, list[int]] = defaultdict(list)
    for one in left:
        wanting[_group(expected[one])].append(one)
    for group, ones in wanting.items():
        yield from _alike(ones, groups.get(group, []))


def _alike(left: list[int], right: list[int]) -> Iterator[tuple[int, int]]:
    """Each with each; of very many with the same visitor and key only those that stand near each other."""
    reach = len(right)
    if len(left) * len(right) > _ALL_AGAINST_ALL:
        reach = max(_ALL_AGAINST_ALL // (2 * len(left)), 1)
    for place, one in enumerate(left):
        middle = place * len(right) // len(left)
        yield from ((one, other) for other in right[max(middle - reach, 0) : middle + reach + 1])


class Nearest:
    """Finds the item of a list that is most like another one; each is taken apart once."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self._facts: list[_Facts] | None = None
        self._left = _ALL_AGAINST_ALL

    def to(self, item: Any) -> dict[str, Any] | None:
        """`{"index", "score": "11/14"}`; None when nothing is like it, and when too many were asked for already."""
        if self._left < len(self._items):
            return None
        self._left -= len(self._items)
        if self._facts is None:
            self._facts = [_Facts(other) for other in self._items]
        wanted = _Facts(item)
        scored = [(_score(wanted, other), index) for index, other in enumerate(self._facts)]
        if not scored:
            return None
        (same, total), index = max(scored, key=lambda entry: (entry[0][0] / max(entry[0][1], 1), -entry[1]))
        return {"index": index, "score": f"{same}/{total}"} if same else None


class _Facts:
    """An item taken apart into its leaves; `plain` has them as a set where no matcher is among them."""

    __slots__ = ("leaves", "plain")

    def __init__(self, item: Any) -> None:
        self.leaves = dict(_leaves(item, ()))
        self.plain: frozenset[Any] | None = None
        if not any(isinstance(value, Matcher) for value in self.leaves.values()):
            self.plain = frozenset(
                (path, type(value), None if isinstance(value, dict | list) else value)
                for path, value in self.leaves.items()
            )


def score(expected: Any, captured: Any) -> tuple[int, int]:
    """How many leaves of the expected item stand in the captured one as expected, of how many on either side."""
    return _score(_Facts(expected), _Facts(captured))


def _score(expected: _Facts, captured: _Facts) -> tuple[int, int]:
    left, right = expected.leaves, captured.leaves
    if expected.plain is not None and captured.plain is not None:
        same = len(expected.plain & captured.plain)
    else:
        same = sum(1 for path, value in left.items() if path in right and _accepts(value, right[path]))
    return same, len(left.keys() | right.keys())


def _accepts(value: Any, captured: Any) -> bool:
    if isinstance(captured, Matcher):
        value, captured = captured, value
    if isinstance(value, Matcher):
        return value.tag in ("!contains", "!unordered") or value.refusal(captured) is None
    return type(value) is type(captured) and bool(value == captured)


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _uuids(item: Any) -> Hashable | None:
    """The uuids written out in an item: what it is, whatever else differs."""
    found = tuple(
        sorted(
            str(value)
            for path, value in _leaves(item, ())
            if path and path[-1] == "uuid" and isinstance(value, str)
        )
    )
    return found or None


def _canonical(item: Any) -> Hashable:
    return _encode(item)


def _unknown(value: Any) -> Any:
    return value.as_json() if isinstance(value, Matcher) else str(value)


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=_unknown).encode


def _group(item: Any) -> Hashable:
    """Visitor and event key, as far as they are written out."""
    return tuple(
        str(value)
        for path, value in _leaves(item, ())
        if path and path[-1] in ("visitor_id", "key") and isinstance(value, str)
    )
