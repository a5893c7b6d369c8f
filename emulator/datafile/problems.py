"""What is wrong with something that should be a datafile: every reason, with its place."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

from optilocal.emulator.json_text import as_list

ExperimentKind = Literal["experiment", "delivery", "holdout"]


class Kind(NamedTuple):
    """A demand on the JSON type of a value. true and false are no numbers."""

    name: str
    types: tuple[type, ...]


@dataclass(frozen=True)
class May:
    """A demand on a key that may be absent, or null, or both."""

    demand: Any
    be_absent: bool = True
    be_null: bool = False


Demand = Kind | list[Any] | dict[str, Any] | May
"""A JSON type, a list of one demand that holds for each item, or the keys of an object."""
TEXT, WHOLE, OBJECT = Kind("a string", (str,)), Kind("a whole number", (int,)), Kind("an object", (dict,))
ANY = Kind("there", (object,))
# Optimizely's Java and JavaScript SDKs take a whole number as an id too.
_ID, _LIST = Kind("a string", (str, int)), Kind("a list", (list,))
_maybe = partial(May, be_null=True)

# Without these no SDK of Optimizely's can use it, nor can Segment's destination. What only some of the SDKs insist on
# is told by `sdk_demands` and refuses nothing.
_NAMED: dict[str, Demand] = {"id": _ID, "key": _ID}
_RULE: dict[str, Demand] = {**_NAMED, "status": _maybe(TEXT), "variations": _maybe([_NAMED])}
_RULES = _maybe([_RULE])
_DATAFILE: dict[str, Demand] = {
    **dict.fromkeys(("version", "revision", "projectId", "accountId"), _ID),
    **dict.fromkeys(("sdkKey", "environmentKey"), _maybe(TEXT)),
    "experiments": [_RULE],
    "events": [{**_NAMED, "experimentIds": _maybe(_LIST)}],
    **dict.fromkeys(("groups", "rollouts"), _maybe([{"id": _ID, "experiments": _RULES}])),
    **dict.fromkeys(("holdouts", "localHoldouts"), _RULES),
    "attributes": _maybe([_NAMED]),
    **dict.fromkeys(("audiences", "typedAudiences", "featureFlags"), _maybe(_LIST)),
}
_VERSIONS = ("2", "3", "4")


def problems(obj: object) -> list[str]:
    """Every reason why `obj` is not a datafile, as sentences that name the place; empty when it is one."""
    if not isinstance(obj, dict):
        return [f"a datafile is a JSON object, this is {type_name(obj)}"]
    reasons = []
    for path, found, wanted in unmet(obj, _DATAFILE):
        if found is not None:
            reasons.append(f"{path} must be {wanted}, it is {found}")
        else:
            reasons.append(
                f"{path} is missing" if path not in _DATAFILE else f"the required key {path!r} is missing"
            )
    version = obj.get("version")
    if _is(version, _ID) and str(version) not in _VERSIONS:
        reasons.insert(0, f"version must be one of {', '.join(_VERSIONS)}, it is {version!r}")
    return reasons


def unmet(value: object, demand: Demand, path: str = "") -> Iterator[tuple[str, str | None, str]]:
    """Path, what is there (None where something is missing) and what is wanted, for all that the demand does not find."""
    if isinstance(demand, May):
        if value is not None or not demand.be_null:
            yield from unmet(value, demand.demand, path)
    elif isinstance(demand, Kind):
        if not _is(value, demand):
            yield path, type_name(value), demand.name
    elif isinstance(demand, list):
        if not isinstance(value, list):
            yield path, type_name(value), "a list"
            return
        for index, item in enumerate(value):
            yield from unmet(item, demand[0], f"{path}[{index}]")
    elif not isinstance(value, Mapping):
        yield path, type_name(value), "an object"
    else:
        for key, wanted in demand.items():
            where = f"{path}.{key}" if path else key
            if key in value:
                yield from unmet(value[key], wanted, where)
            elif not (isinstance(wanted, May) and wanted.be_absent):
                yield where, None, "there"


def _is(value: object, kind: Kind) -> bool:
    return isinstance(value, kind.types) and not (isinstance(value, bool) and int in kind.types)


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


def type_name(value: object) -> str:
    """The JSON type of a parsed value, with its article."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "an object")
