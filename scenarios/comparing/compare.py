"""Expected against captured: pair first, then diff each pair; every difference is a record in the field's own words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from optilocal.scenarios.comparing.pairing import Nearest, pair
from optilocal.scenarios.language.matchers import Matcher, as_text, plain
from optilocal.scenarios.language.problems import meant
from optilocal.scenarios.language.yaml_nodes import NodePath

MISSING: Any = object()
"""Stands for a side that is not there; in a difference record that side's key is left out."""
_KINDS = {
    "type_changes": "type",
    "values_changed": "changed",
    "dictionary_item_added": "unexpected",
    "dictionary_item_removed": "missing",
    "iterable_item_added": "unexpected",
    "iterable_item_removed": "missing",
    "attribute_added": "unexpected",
    "attribute_removed": "missing",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as expected. `expected` and `captured` may be MISSING; `nearest` is the closest counterpart
    of a whole missing or unexpected item: `{"index", "score": "11/14"}`."""

    path: NodePath
    kind: str
    reason: str
    expected: Any = MISSING
    captured: Any = MISSING
    nearest: Mapping[str, Any] | None = None

    @property
    def where(self) -> str:
        """`tracks[0].sent.visitors[0].visitor_id`."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def as_json(self) -> dict[str, Any]:
        """The record every reader renders."""
        record: dict[str, Any] = {
            "where": self.where,
            "path": list(self.path),
            "kind": self.kind,
            "reason": self.reason,
        }
        if self.expected is not MISSING:
            record["expected"] = plain(self.expected)
        if self.captured is not MISSING:
            record["captured"] = self.captured
        record["nearest"] = dict(self.nearest) if self.nearest else None
        return record


def compare(expected: Any, captured: Any, path: NodePath, *, whole: bool) -> list[Difference]:
    """All differences at and below `path`.

    `whole` compares everything captured; otherwise only what is named: other keys of a captured mapping do not matter,
    lists go by position and must be of the same length.
    """
    left, right, found = _settled(expected, captured, path, whole)
    if not _same(left, right):
        found.extend(_diff(left, right, path))
    return sorted(found, key=lambda difference: _order(difference.path))


def _settled(expected: Any, captured: Any, path: NodePath, whole: bool) -> tuple[Any, Any, list[Difference]]:
    found: list[Difference] = []
    left, right = map(_as_wire, _settle(expected, captured, path, whole, found))
    return left, right, found


def _same(left: Any, right: Any) -> bool:
    return bool(left == right and _typed(left) == _typed(right))


def _agrees(expected: Any, captured: Any) -> bool:
    """Whether nothing that is named differs; what differs is not worked out."""
    left, right, found = _settled(expected, captured, (), whole=False)
    return not found and _same(left, right)


def compare_unordered(
    expected: list[Any], captured: list[Any], path: NodePath, *, whole: bool
) -> list[Difference]:
    """Lists whose order does not matter: items are paired (by uuid, then by nearness), each pair is compared."""
    found: list[Difference] = []
    pairing = pair(expected, captured)
    for left, right in pairing.pairs:
        found.extend(compare(expected[left], captured[right], (*path, left), whole=whole))
    among_captured, among_expected = Nearest(captured), Nearest(expected)
    for left in pairing.missing:
        nearest = among_captured.to(expected[left])
        found.append(
            Difference(
                (*path, left), "missing", "was expected and did not come", expected[left], nearest=nearest
            )
        )
    for index, right in enumerate(pairing.unexpected, len(expected)):
        nearest = among_expected.to(captured[right])
        found.append(
            Difference(
                (*path, index),
                "unexpected",
                "came and was not expected",
                captured=captured[right],
                nearest=nearest,
            )
        )
    return found


def _settle(
    expected: Any, captured: Any, path: NodePath, whole: bool, found: list[Difference]
) -> tuple[Any, Any]:
    """The two sides with every matcher settled: what it accepts becomes equal, what it refuses becomes a difference.

    Unnamed keys of the captured side go when not `whole`.
    """
    if isinstance(expected, Matcher):
        _match(expected, captured, path, whole, found)
        return None, None
    if isinstance(expected, dict) and isinstance(captured, dict):
        return _settle_mapping(expected, captured, path, whole, found)
    if isinstance(expected, list) and isinstance(captured, list) and len(expected) == len(captured):
        sides = [
            _settle(left, right, (*path, i), whole, found)
            for i, (left, right) in enumerate(zip(expected, captured, strict=True))
        ]
        return [left for left, _ in sides], [right for _, right in sides]
    if isinstance(expected, list) and isinstance(captured, list):
        return _settle_lengths(expected, captured, path, whole, found)
    return plain(expected), captured


def _settle_mapping(
    expected: dict[str, Any], captured: dict[str, Any], path: NodePath, whole: bool, found: list[Difference]
) -> tuple[Any, Any]:
    left: dict[str, Any] = {}
    right: dict[str, Any] = (
        {key: value for key, value in captured.items() if key not in expected} if whole else {}
    )
    for key, item in expected.items():
        here = (*path, key)
        if isinstance(item, Matcher) and key not in captured:
            if item.tag != "!absent":
                found.append(Difference(here, "missing", f"is not there; {item} was expected", item))
        elif isinstance(item, Matcher) and item.tag == "!absent":
            found.append(Difference(here, "unexpected", "should not be there", item, captured[key]))
        elif key in captured:
            left[key], right[key] = _settle(item, captured[key], here, whole, found)
        else:
            others = [name for name in captured if name not in expected]
            found.append(Difference(here, "missing", f"is not there{meant(key, others, close_by=75)}", item))
    return left, right


def _settle_lengths(
    expected: list[Any], captured: list[Any], path: NodePath, whole: bool, found: list[Difference]
) -> tuple[Any, Any]:
    """Lists of different length: what stands on both sides is compared, the rest is missing or unexpected."""
    both = min(len(expected), len(captured))
    counts = f"{len(captured)} instead of {len(expected)}"
    sides = [_settle(expected[i], captured[i], (*path, i), whole, found) for i in range(both)]
    for index in range(both, len(expected)):
        found.append(Difference((*path, index), "missing", f"is not there: {counts}", expected[index]))
    for index in range(both, len(captured)):
        found.append(
            Difference((*path, index), "unexpected", f"was not expected: {counts}", captured=captured[index])
        )
    return [left for left, _ in sides], [right for _, right in sides]


def _match(matcher: Matcher, captured: Any, path: NodePath, whole: bool, found: list[Difference]) -> None:
    if matcher.tag == "!contains":
        _contains(matcher, captured, path, found)
    elif matcher.tag == "!unordered":
        if isinstance(captured, list):
            found.extend(compare_unordered(matcher.argument, captured, path, whole=whole))
        else:
            found.append(Difference(path, "matcher", "is no list, !unordered wants one", matcher, captured))
    else:
        refusal = matcher.refusal(captured)
        if refusal is not None:
            found.append(Difference(path, "matcher", refusal, matcher, captured))


def _contains(matcher: Matcher, captured: Any, path: NodePath, found: list[Difference]) -> None:
    """A list holds each of the items (compared by what they name), a mapping those entries, a text that text."""
    wanted = matcher.argument
    if isinstance(captured, str) and isinstance(wanted, str | list):
        lacking = [
            text for text in (wanted if isinstance(wanted, list) else [wanted]) if str(text) not in captured
        ]
        if lacking:
            found.append(Difference(path, "matcher", f"does not contain {lacking[0]!r}", matcher, captured))
    elif isinstance(captured, dict) and isinstance(wanted, dict):
        found.extend(compare(wanted, captured, path, whole=False))
    elif isinstance(captured, list):
        for item in wanted if isinstance(wanted, list) else [wanted]:
            if not any(_agrees(item, other) for other in captured):
                nearest = Nearest(captured).to(item)
                found.append(
                    Difference(path, "matcher", f"contains no {as_text(item)}", matcher, captured, nearest)
                )
    else:
        found.append(Difference(path, "matcher", "is nothing that could contain it", matcher, captured))


def _diff(expected: Any, captured: Any, path: NodePath) -> Iterator[Difference]:
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and most of what is compared is equal

    # By position: looking for what was moved, DeepDiff would take 0 and false in a list for one thing.
    tree = DeepDiff(
        expected,
        captured,
        view="tree",
        verbose_level=2,
        threshold_to_diff_deeper=0,
        zip_ordered_iterables=True,
    )
    for name, levels in tree.items():
        for level in cast(Any, levels):
            steps = cast(list[Any], level.path(output_format="list"))
            here = (*path, *steps)
            kind = _KINDS.get(name, "changed")
            if kind == "missing":
                yield Difference(here, kind, "is not there", level.t1)
            elif kind == "unexpected":
                yield Difference(here, kind, "was not expected", captured=level.t2)
            else:
                if _is_number(level.t1) and _is_number(level.t2):
                    kind = "changed"
                yield Difference(here, kind, _reason(kind, level.t1, level.t2), level.t1, level.t2)


def _reason(kind: str, expected: Any, captured: Any) -> str:
    if kind != "type":
        return _how(expected, captured)
    if str(expected) == str(captured):
        return f"is the {_type(captured)} {captured}, not the {_type(expected)}"
    return f"is {_article(_type(captured))}, not {_article(_type(expected))}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _how(expected: Any, captured: Any) -> str:
    """What two values of one type differ in, where that says more than the values do."""
    if isinstance(expected, str) and isinstance(captured, str):
        if expected.casefold() == captured.casefold():
            return "differs in case only"
        if "".join(expected.split()) == "".join(captured.split()):
            return "differs in spacing only"
    elif _is_number(expected) and expected and captured:
        if math.isclose(captured * 100, expected):
            return "is a hundredth of it: currency units where cents are meant?"
        if math.isclose(captured, expected * 100):
            return "is a hundred times it: cents where currency units are meant?"
    return "is another value"


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "text", dict: "object", list: "list"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _article(name: str) -> str:
    return name if name == "null" else f"an {name}" if name[0] in "aeio" else f"a {name}"


def _as_wire(value: Any) -> Any:
    """The value as JSON carries it: 20.0 and 20 are one number there."""
    if isinstance(value, dict):
        return {key: _as_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_wire(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _typed(value: Any) -> Any:
    """The value with the types that == overlooks: 1 and true are two things on the wire."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return type(value).__name__, value


def _order(path: NodePath) -> list[tuple[int, int, str]]:
    return [(0, part, "") if isinstance(part, int) else (1, 0, part) for part in path]
