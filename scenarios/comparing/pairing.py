"""Which expected item belongs to which captured one: the same first, then by uuid, then the nearest."""

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

    def settle(left_at: int, right_at: int, into: list[tuple[int, int]] = pairs) -> None:
        del left[left_at], right[right_at]
        into.append((left_at, right_at))

    for identity, into in ((_canonical, same_pairs), (_uuids, pairs)):
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for right_at in right:
            key = identity(captured[right_at])
            if key is not None:
                waiting[key].append(right_at)
        for left_at in list(left):
            key = identity(expected[left_at])
            if key is not None and waiting.get(key):
                settle(left_at, waiting[key].popleft(), into)
    expected_facts = {left_at: _Facts(expected[left_at]) for left_at in left}
    captured_facts = {right_at: _Facts(captured[right_at]) for right_at in right}
    scored = []
    for left_at, right_at in _candidates(expected, captured, list(left), list(right)):
        same, total = _score(expected_facts[left_at], captured_facts[right_at])
        if same:
            scored.append((-same / total, left_at, right_at))
    for _, left_at, right_at in sorted(scored):
        if left_at in left and right_at in right:
            settle(left_at, right_at)
    return Pairing(tuple(same_pairs), tuple(sorted(pairs)), tuple(left), tuple(right))


def _candidates(
    expected: list[Any], captured: list[Any], left: list[int], right: list[int]
) -> Iterator[tuple[int, int]]:
    if len(left) * len(right) <= _ALL_AGAINST_ALL:
        yield from ((left_at, right_at) for left_at in left for right_at in right)
        return
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for right_at in right:
        groups[_group(captured[right_at])].append(right_at)
    wanting: dict[Hashable, list[int]] = defaultdict(list)
    for left_at in left:
        wanting[_group(expected[left_at])].append(left_at)
    for group, members in wanting.items():
        yield from _alike(members, groups.get(group, []))


def _alike(left: list[int], right: list[int]) -> Iterator[tuple[int, int]]:
    """Each with each; of very many with the same visitor and key only those that stand near each other."""
    reach = len(right)
    if len(left) * len(right) > _ALL_AGAINST_ALL:
        reach = max(_ALL_AGAINST_ALL // (2 * len(left)), 1)
    for place, left_at in enumerate(left):
        middle = place * len(right) // len(left)
        yield from ((left_at, right_at) for right_at in right[max(middle - reach, 0) : middle + reach + 1])


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


def _score(expected: _Facts, captured: _Facts) -> tuple[int, int]:
    """How many leaves of the expected item stand in the captured one as expected, of how many on either side."""
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
    uuids = tuple(
        sorted(
            str(value)
            for path, value in _leaves(item, ())
            if path and path[-1] == "uuid" and isinstance(value, str)
        )
    )
    return uuids or None


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
