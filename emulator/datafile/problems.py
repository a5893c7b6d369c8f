"""What is wrong with something that should be a datafile: every reason, with its place."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from optilocal.emulator.json_text import as_list

ExperimentKind = Literal["experiment", "delivery", "holdout"]

# Without these no SDK of Optimizely's can use it, nor can Segment's destination. What only some of the SDKs insist on
# is told by `sdk_demands` and refuses nothing.
_LISTS = ("experiments", "events")
_TEXTS = ("version", "revision", "projectId", "accountId")
_OPTIONAL_LISTS = (
    *("groups", "attributes", "audiences", "featureFlags", "rollouts"),
    *("holdouts", "localHoldouts", "typedAudiences"),
)
_VERSIONS = ("2", "3", "4")


def problems(obj: object) -> list[str]:
    """Every reason why `obj` is not a datafile, as sentences that name the place; empty when it is one."""
    if not isinstance(obj, dict):
        return [f"a datafile is a JSON object, this is {type_name(obj)}"]
    reasons = [f"the required key {key!r} is missing" for key in (*_TEXTS, *_LISTS) if key not in obj]
    for key in _TEXTS:
        if key in obj and not _is_text(obj[key]):
            reasons.append(f"{key} must be a string, it is {type_name(obj[key])}")
    if _is_text(obj.get("version")) and str(obj["version"]) not in _VERSIONS:
        reasons.append(f"version must be one of {', '.join(_VERSIONS)}, it is {obj['version']!r}")
    for key in ("sdkKey", "environmentKey"):
        if obj.get(key) is not None and not isinstance(obj[key], str):
            reasons.append(f"{key} must be a string, it is {type_name(obj[key])}")
    for key in (*_LISTS, *_OPTIONAL_LISTS):
        if (key in _LISTS or obj.get(key) is not None) and key in obj and not isinstance(obj[key], list):
            reasons.append(f"{key} must be a list, it is {type_name(obj[key])}")
    for place, item in _experiment_items(obj):
        reasons += _experiment_problems(place, item)
    for key in ("groups", "rollouts"):
        reasons += _item_problems(obj, key, ("id",), ("experiments",))
    reasons += _item_problems(obj, "attributes", ("id", "key"), ())
    reasons += _item_problems(obj, "events", ("id", "key"), ("experimentIds",))
    return reasons


def _experiment_items(obj: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for place, items, _ in experiment_lists(obj):
        for index, item in enumerate(items):
            yield f"{place}[{index}]", item


def experiment_lists(obj: Mapping[str, Any]) -> Iterable[tuple[str, list[Any], ExperimentKind]]:
    """Every list of the datafile that holds rules, with its place and what kind of rule it holds."""
    yield "experiments", as_list(obj.get("experiments")), "experiment"
    kinds: tuple[tuple[str, ExperimentKind], ...] = (("groups", "experiment"), ("rollouts", "delivery"))
    for key, kind in kinds:
        for index, parent in enumerate(as_list(obj.get(key))):
            if isinstance(parent, dict):
                yield f"{key}[{index}].experiments", as_list(parent.get("experiments")), kind
    for key in ("holdouts", "localHoldouts"):
        yield key, as_list(obj.get(key)), "holdout"


def _experiment_problems(place: str, item: object) -> list[str]:
    if not isinstance(item, dict):
        return [f"{place} must be an object, it is {type_name(item)}"]
    reasons = _field_problems(place, item, ("id", "key"), ("variations",))
    if not isinstance(item.get("status"), str | None):
        reasons.append(f"{place}.status must be a string, it is {type_name(item['status'])}")
    for index, variation in enumerate(as_list(item.get("variations"))):
        where = f"{place}.variations[{index}]"
        if isinstance(variation, dict):
            reasons += _field_problems(where, variation, ("id", "key"), ())
        else:
            reasons.append(f"{where} must be an object, it is {type_name(variation)}")
    return reasons


def _item_problems(obj: Mapping[str, Any], key: str, texts: Sequence[str], lists: Sequence[str]) -> list[str]:
    reasons: list[str] = []
    for index, item in enumerate(as_list(obj.get(key))):
        place = f"{key}[{index}]"
        if isinstance(item, dict):
            reasons += _field_problems(place, item, texts, lists)
        else:
            reasons.append(f"{place} must be an object, it is {type_name(item)}")
    return reasons


def _field_problems(
    place: str, item: Mapping[str, Any], texts: Sequence[str], lists: Sequence[str]
) -> list[str]:
    """Texts must be there; a list may be missing or null, as it may in Optimizely's JavaScript SDK."""
    reasons = []
    for name in texts:
        if name not in item:
            reasons.append(f"{place}.{name} is missing")
        elif not _is_text(item[name]):
            reasons.append(f"{place}.{name} must be a string, it is {type_name(item[name])}")
    for name in lists:
        if not isinstance(item.get(name), list | None):
            reasons.append(f"{place}.{name} must be a list, it is {type_name(item[name])}")
    return reasons


def _is_text(value: object) -> bool:
    """Whether it is a string, or a whole number, which Optimizely's Java and JavaScript SDKs take as an id too."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def type_name(value: object) -> str:
    """The JSON type of a parsed value, with its article."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "an object")
