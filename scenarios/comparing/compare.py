"""Expected against captured: pair first, then diff each pair; every difference is a record in the field's own words.

DeepDiff walks both sides; two operators of ours decide what a matcher and what a number means.
"""

import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from deepdiff import DeepDiff
from deepdiff.operator import BaseOperator

from optilocal.scenarios.comparing.pairing import Nearest, pair
from optilocal.scenarios.language.matchers import Matcher, as_text, plain
from optilocal.scenarios.language.problems import meant
from optilocal.scenarios.language.yaml_nodes import NodePath

MISSING: Any = object()
"""Stands for a side that is not there; in a difference record that side's key is left out."""
_ONE_AT_A_TIME = threading.RLock()
"""DeepDiff reads the index of every list item with `ast.literal_eval`. CPython 3.11 sometimes ends that with "SystemError:
AST constructor recursion depth mismatch" when two threads do it: https://github.com/python/cpython/issues/106905."""


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
    matchers, numbers = _Matchers(path, whole), _Numbers(path)
    # By position: looking for what was moved, DeepDiff would take 0 and false in a list for one thing.
    with _ONE_AT_A_TIME:
        tree = DeepDiff(
            expected,
            captured,
            view="tree",
            threshold_to_diff_deeper=0,
            zip_ordered_iterables=True,
            ignore_private_variables=False,
            custom_operators=[matchers, numbers],
        )
    differences = [*matchers.differences, *numbers.differences]
    for report, levels in tree.items():
        for level in cast(Any, levels):
            differences.extend(_reported(report, level, path, whole))
    return sorted(differences, key=lambda difference: _order(difference.path))


class _Matchers(BaseOperator):
    """DeepDiff's operator for an expected matcher: the matcher says whether the captured value will do."""

    def __init__(self, path: NodePath, whole: bool) -> None:
        super().__init__()
        self._path, self._whole = path, whole
        self.differences: list[Difference] = []

    def match(self, level: Any) -> bool:
        return isinstance(level.t1, Matcher)

    def give_up_diffing(self, level: Any, diff_instance: DeepDiff) -> bool:  # noqa: ARG002
        _match(level.t1, level.t2, _path(self._path, level), self._whole, self.differences)
        return True


class _Numbers(BaseOperator):
    """DeepDiff's operator for numbers as JSON has them: 20 and 20.0 are one number, true is not a number."""

    def __init__(self, path: NodePath) -> None:
        super().__init__()
        self._path = path
        self.differences: list[Difference] = []

    def match(self, level: Any) -> bool:
        return _is_number(level.t1) and _is_number(level.t2)

    def give_up_diffing(self, level: Any, diff_instance: DeepDiff) -> bool:  # noqa: ARG002
        if level.t1 != level.t2:
            reason = _how(level.t1, level.t2)
            path = _path(self._path, level)
            self.differences.append(Difference(path, "changed", reason, level.t1, level.t2))
        return True


def _path(path: NodePath, level: Any) -> NodePath:
    return (*path, *level.path(output_format="list"))


def _reported(report: str, level: Any, path: NodePath, whole: bool) -> Iterator[Difference]:
    """What DeepDiff itself reports of one level, as a record."""
    here, expected, captured = _path(path, level), level.t1, level.t2
    if report == "type_changes":
        yield Difference(here, "type", _other_type(expected, captured), expected, captured)
    elif report == "values_changed":
        yield Difference(here, "changed", _how(expected, captured), expected, captured)
    elif report == "iterable_item_removed":
        yield Difference(here, "missing", f"is not there: {_counts(level)}", expected)
    elif report == "iterable_item_added":
        yield Difference(here, "unexpected", f"was not expected: {_counts(level)}", captured=captured)
    elif report == "dictionary_item_removed":
        if not (isinstance(expected, Matcher) and expected.tag == "!absent"):
            yield Difference(here, "missing", _why_missing(level, here[-1]), expected)
    elif report == "dictionary_item_added":
        if whole:
            yield Difference(here, "unexpected", "was not expected", captured=captured)
    else:
        raise AssertionError(f"DeepDiff reports {report!r}, which JSON gives no cause for")


def _counts(level: Any) -> str:
    return f"{len(level.up.t2)} instead of {len(level.up.t1)}"


def _why_missing(level: Any, key: str | int) -> str:
    if isinstance(level.t1, Matcher):
        return f"is not there; {level.t1} was expected"
    others = [name for name in level.up.t2 if name not in level.up.t1]
    return f"is not there{meant(key, others, close_by=75)}"


def compare_unordered(
    expected: list[Any], captured: list[Any], path: NodePath, *, whole: bool
) -> list[Difference]:
    """Lists whose order does not matter: items are paired (by uuid, then by nearness), each pair is compared."""
    differences: list[Difference] = []
    pairing = pair(expected, captured)
    for left, right in pairing.pairs:
        differences.extend(compare(expected[left], captured[right], (*path, left), whole=whole))
    among_captured, among_expected = Nearest(captured), Nearest(expected)
    for left in pairing.missing:
        nearest = among_captured.to(expected[left])
        differences.append(
            Difference(
                (*path, left), "missing", "was expected and did not come", expected[left], nearest=nearest
            )
        )
    for index, right in enumerate(pairing.unexpected, len(expected)):
        nearest = among_expected.to(captured[right])
        differences.append(
            Difference(
                (*path, index),
                "unexpected",
                "came and was not expected",
                captured=captured[right],
                nearest=nearest,
            )
        )
    return differences


def _match(
    matcher: Matcher, captured: Any, path: NodePath, whole: bool, differences: list[Difference]
) -> None:
    if matcher.tag == "!absent":
        differences.append(Difference(path, "unexpected", "should not be there", matcher, captured))
    elif matcher.tag == "!contains":
        _contains(matcher, captured, path, differences)
    elif matcher.tag == "!unordered":
        if isinstance(captured, list):
            differences.extend(compare_unordered(matcher.argument, captured, path, whole=whole))
        else:
            differences.append(
                Difference(path, "matcher", "is not a list, and !unordered takes a list", matcher, captured)
            )
    else:
        refusal = matcher.refusal(captured)
        if refusal is not None:
            differences.append(Difference(path, "matcher", refusal, matcher, captured))


def _contains(matcher: Matcher, captured: Any, path: NodePath, differences: list[Difference]) -> None:
    """A list holds each of the items (compared by what they name), a mapping those entries, a text that text."""
    wanted = matcher.argument
    if isinstance(captured, str) and isinstance(wanted, str | list):
        lacking = [
            text for text in (wanted if isinstance(wanted, list) else [wanted]) if str(text) not in captured
        ]
        if lacking:
            differences.append(
                Difference(path, "matcher", f"does not contain {lacking[0]!r}", matcher, captured)
            )
    elif isinstance(captured, dict) and isinstance(wanted, dict):
        differences.extend(compare(wanted, captured, path, whole=False))
    elif isinstance(captured, list):
        for item in wanted if isinstance(wanted, list) else [wanted]:
            if all(compare(item, other, (), whole=False) for other in captured):
                nearest = Nearest(captured).to(item)
                differences.append(
                    Difference(path, "matcher", f"contains no {as_text(item)}", matcher, captured, nearest)
                )
    else:
        differences.append(
            Difference(
                path,
                "matcher",
                "is neither a list, a mapping nor a text, so it contains nothing",
                matcher,
                captured,
            )
        )


def _other_type(expected: Any, captured: Any) -> str:
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


def _order(path: NodePath) -> list[tuple[int, int, str]]:
    return [(0, part, "") if isinstance(part, int) else (1, 0, part) for part in path]
