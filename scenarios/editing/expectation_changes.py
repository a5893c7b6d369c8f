"""A scenario's differences → what has to change in its document so that it expects what was captured; plain data."""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.language.yaml_nodes import NodePath

ROWS = re.compile(r"\$\{([^{}]+)\}")
_UUID = Matcher("!uuid")
_TIMESTAMP = Matcher("!timestamp")
_REMOVED: Any = object()


@dataclass(frozen=True)
class Change:
    """One node of a document: replaced by `value`, or taken out; `added` when nothing stands there yet."""

    path: NodePath
    value: Any = _REMOVED
    added: bool = False

    @property
    def removed(self) -> bool:
        """Whether the node goes."""
        return self.value is _REMOVED


def changes(scenario: Scenario, entry: Mapping[str, Any]) -> list[Change]:
    """The changes of one scenario by its entry in the run document; paths begin with `expect`."""
    by_path: dict[NodePath, Change] = {}
    expect = scenario.expect
    shuffled = _realigned(entry["differences"])
    for difference in entry["differences"]:
        path = tuple(difference["path"])
        whole = next((parent for parent in shuffled if path[: len(parent)] == parent), None)
        if whole is not None:
            captured = at(entry["captured"], whole)
            by_path[whole] = Change(("expect", *whole), _written(captured, whole, scenario))
        elif "captured" in difference:
            value = _written(difference["captured"], path, scenario)
            by_path[path] = Change(("expect", *path), value, added=not _stands(expect, path))
        else:
            by_path[path] = Change(("expect", *path))
    return list(by_path.values())


def _realigned(differences: Iterable[Mapping[str, Any]]) -> set[NodePath]:
    """Lists that go by position and yet have items both missing and unexpected: there the whole list is taken."""
    kinds: dict[NodePath, set[str]] = {}
    for difference in differences:
        path = tuple(difference["path"])
        if path and isinstance(path[-1], int) and path[0] != "received":
            kinds.setdefault(path[:-1], set()).add(difference["kind"])
    return {path for path, both in kinds.items() if {"missing", "unexpected"} <= both}


def applied(document: Any, wanted: Iterable[Change]) -> Any:
    """A copy of a document's value with every change made."""
    result = copy.deepcopy(document)
    removals = []
    for change in sorted(wanted, key=lambda change: [str(step).zfill(6) for step in change.path]):
        parent = at(result, change.path[:-1])
        if change.removed:
            removals.append((parent, change.path[-1]))
        elif change.added and isinstance(parent, list):
            parent.append(change.value)
        else:
            parent[change.path[-1]] = change.value
    for parent, step in reversed(removals):
        del parent[step]
    return result


def at(value: Any, path: Sequence[str | int]) -> Any:
    """What stands at a path, matchers looked into."""
    for step in path:
        value = value.argument[step] if isinstance(value, Matcher) else value[step]
    return value.argument if isinstance(value, Matcher) and isinstance(value.argument, list | dict) else value


def _stands(value: Any, path: Sequence[str | int]) -> bool:
    try:
        at(value, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _written(value: Any, path: NodePath, scenario: Scenario) -> Any:
    """A captured value as an expectation: what a run makes up for itself stands as a matcher."""
    if path[:1] in (("tracks",), ("conversions",)) and len(path) == 2 and isinstance(value, dict):
        return outline(value)
    if "attributed_to" in path[2:3]:
        return (
            _places(value) if isinstance(value, list) else _place(value) if isinstance(value, dict) else value
        )
    return _generalised(value, path[-1] if path else None, scenario)


def outline(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict in the two fields that say what it is."""
    where = _places(verdict.get("attributed_to") or [])
    return {"outcome": verdict.get("outcome"), **({"attributed_to": where} if where else {})}


def _places(attributed_to: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_place(attribution) for attribution in attributed_to]


def _place(attribution: Mapping[str, Any]) -> dict[str, Any]:
    """An attribution by its keys: the ids beside them say the same."""
    return {key: attribution[key] for key in ("experiment", "variation") if key in attribution}


def _generalised(value: Any, key: str | int | None, scenario: Scenario) -> Any:
    if isinstance(value, dict):
        return {name: _generalised(item, name, scenario) for name, item in value.items()}
    if isinstance(value, list):
        return [_generalised(item, key, scenario) for item in value]
    if isinstance(value, str) and _UUID.refusal(value) is None and value not in scenario.source:
        return _UUID
    if key == "timestamp" and scenario.clock_ms is None and _TIMESTAMP.refusal(value) is None:
        return _TIMESTAMP
    return value
