"""What only some of Optimizely's SDKs insist on in a datafile, and statuses that none of them knows: each with its place.

A datafile is served and judged in spite of all this; the application that reads it may be told otherwise by its SDK.
Sources: python-sdk 5.7.0 checks every datafile by the schema of `optimizely/helpers/constants.py`, then by what
`optimizely/entities.py` demands of each item; javascript-sdk checks no schema unless it is given one
(`lib/project_config/project_config.ts`); java-sdk takes numbers as ids (`GsonHelpers.java`) and a rule without a
status as not started (`Experiment.java`), where the statuses are listed too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optilocal.emulator.batch.row import Note
from optilocal.emulator.datafile.nearest import fold
from optilocal.emulator.datafile.problems import ExperimentKind, experiment_lists, type_name
from optilocal.emulator.json_text import as_list

STATUSES = ("Running", "Launched", "Paused", "Not started", "Archived")
HOLDOUT_STATUSES = ("Draft", "Running", "Concluded", "Archived")
_KNOWN = (*STATUSES, *(status for status in HOLDOUT_STATUSES if status not in STATUSES))


@dataclass(frozen=True)
class _May:
    """A demand on a key that may be absent, or null, or both."""

    demand: Any
    be_absent: bool = True
    be_null: bool = False


# A demand: a JSON type by its name, a list of one demand that holds for each item, or the keys of an object.
_TEXT, _WHOLE, _OBJECT, _ANY = "a string", "a whole number", "an object", "there"
_Demand = str | list[Any] | dict[str, Any] | _May

_VARIABLES = _May([{"id": _ANY, "value": _ANY}], be_null=True)
_VARIATION = {"id": _TEXT, "key": _TEXT, "variables": _VARIABLES}
_TRAFFIC = [{"entityId": _TEXT, "endOfRange": _WHOLE}]
_RULE: dict[str, _Demand] = {
    "id": _TEXT,
    "key": _TEXT,
    "status": _TEXT,
    "layerId": _TEXT,
    "variations": [_VARIATION],
    "trafficAllocation": _TRAFFIC,
    "audienceIds": [_TEXT],
    "forcedVariations": _OBJECT,
}
# Of what the schema does not know the SDK only demands that it is there.
_DELIVERY: dict[str, _Demand] = {
    **dict.fromkeys(_RULE, _ANY),
    "variations": [{"id": _ANY, "key": _ANY, "variables": _VARIABLES}],
}
_HOLDOUT: dict[str, _Demand] = {
    **dict.fromkeys(("id", "key", "status", "trafficAllocation", "audienceIds"), _ANY),
    "variations": _May([{"id": _ANY, "key": _ANY}], be_absent=False, be_null=True),
}
_FLAG: dict[str, _Demand] = {
    "id": _ANY,
    "key": _ANY,
    "experimentIds": [_ANY],
    "rolloutId": _TEXT,
    "variables": [dict.fromkeys(("id", "key", "type", "defaultValue"), _ANY)],
}
_DATAFILE: dict[str, _Demand] = {
    "version": _TEXT,
    "revision": _TEXT,
    "projectId": _TEXT,
    "accountId": _TEXT,
    "groups": [{"id": _TEXT, "policy": _TEXT, "trafficAllocation": _TRAFFIC, "experiments": [_RULE]}],
    "experiments": [_RULE],
    "events": [{"id": _TEXT, "key": _TEXT, "experimentIds": [_TEXT]}],
    "audiences": [{"id": _TEXT, "name": _TEXT, "conditions": _TEXT}],
    "attributes": [{"id": _TEXT, "key": _TEXT}],
    "typedAudiences": _May([{"id": _ANY, "name": _ANY, "conditions": _ANY}]),
    "rollouts": _May([{"id": _ANY, "experiments": [_DELIVERY]}]),
    "featureFlags": _May([_FLAG]),
    "holdouts": _May([_HOLDOUT]),
    "localHoldouts": _May([_HOLDOUT]),
    "integrations": _May([{"key": _TEXT, "host": _May(_TEXT), "publicKey": _May(_TEXT)}]),
}


def datafile_notes(raw: Mapping[str, Any]) -> list[Note]:
    """Everything worth saying of a datafile that is served all the same: statuses first, then what Python's SDK lacks."""
    return [*unknown_statuses(raw), *python_sdk_demands(raw)]


def unknown_statuses(raw: Mapping[str, Any]) -> list[Note]:
    """Every status that Optimizely does not write, with what was probably meant. No SDK takes such a rule as running."""
    notes = []
    for place, items, kind in experiment_lists(raw):
        for index, item in enumerate(items):
            status = item.get("status") if isinstance(item, dict) else None
            meant = written_instead(status, kind) if isinstance(status, str) else None
            if meant is not None:
                path = f"{place}[{index}].status"
                what = f"is {_quoted(status)}: Optimizely writes {meant}; no SDK takes the rule as running"
                notes.append(_note("unknown_status", path, what))
    return notes


def written_instead(status: str, kind: ExperimentKind = "experiment") -> str | None:
    """What Optimizely writes instead of a status that none of its own is; None for one of its own."""
    if status in _KNOWN:
        return None
    listed = HOLDOUT_STATUSES if kind == "holdout" else STATUSES
    meant = [known for known in _KNOWN if fold(known) == fold(status)] or list(listed)
    first = ", ".join(map(_quoted, meant[:-1]))
    return f"{first} or {_quoted(meant[-1])}" if first else _quoted(meant[-1])


def told_status(status: str) -> str:
    """A rule's status in the past tense: `was Paused`; of one that is not Optimizely's, what is written instead."""
    meant = written_instead(status)
    return f"was {status}" if meant is None else f"had the status {_quoted(status)}, not {meant},"


def python_sdk_demands(raw: Mapping[str, Any]) -> list[Note]:
    """Every key for which Optimizely's Python SDK refuses the whole datafile, with its path; empty when it takes it."""
    refusal = "Optimizely's Python SDK refuses the datafile"
    return [
        _note("python_sdk_refuses", path, f"{what}: {refusal}; {more}") for path, what, more in _unmet(raw)
    ]


_OTHERS = "SDKs that check less, as the JavaScript one does, take it"


def _unmet(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Path, what is wrong there, and what other SDKs do about it."""
    for path, what in _missing(raw, _DATAFILE, ""):
        is_status = path.endswith(".status")
        yield (
            path,
            what,
            "the Java and JavaScript ones take the rule as not started" if is_status else _OTHERS,
        )
    yield from _unreadable_conditions(raw)
    yield from _dangling(raw)


def _missing(value: object, demand: _Demand, path: str) -> Iterator[tuple[str, str]]:
    """Path and what is wrong there, for all that the demand does not find."""
    if isinstance(demand, _May):
        if value is not None or not demand.be_null:
            yield from _missing(value, demand.demand, path)
    elif isinstance(demand, str):
        if demand != _ANY and not _is(value, demand):
            yield path, f"is {type_name(value)}, not {demand}"
    elif isinstance(demand, list):
        if not isinstance(value, list):
            yield path, f"is {type_name(value)}, not a list"
            return
        for index, item in enumerate(value):
            yield from _missing(item, demand[0], f"{path}[{index}]")
    elif not isinstance(value, Mapping):
        yield path, f"is {type_name(value)}, not an object"
    else:
        for key, wanted in demand.items():
            where = f"{path}.{key}" if path else key
            if key in value:
                yield from _missing(value[key], wanted, where)
            elif not (isinstance(wanted, _May) and wanted.be_absent):
                yield where, "is missing"


def _unreadable_conditions(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for index, audience in enumerate(as_list(raw.get("audiences"))):
        conditions = audience.get("conditions") if isinstance(audience, dict) else None
        if isinstance(conditions, str):
            try:
                json.loads(conditions)
            except ValueError:
                yield f"audiences[{index}].conditions", "is not JSON in a string", "the other ones do so too"


def _dangling(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Flags that name a rule or a rollout which the datafile does not list."""
    rules = {id_ for _, items, kind in experiment_lists(raw) if kind != "holdout" for id_ in _ids(items)}
    rollouts = _ids(as_list(raw.get("rollouts")))
    for index, flag in enumerate(as_list(raw.get("featureFlags"))):
        if not isinstance(flag, dict):
            continue
        for place, rule_id in enumerate(as_list(flag.get("experimentIds"))):
            if not isinstance(rule_id, str | int) or rule_id not in rules:
                what = f"names {_quoted(rule_id)}, an experiment that the datafile does not list"
                yield f"featureFlags[{index}].experimentIds[{place}]", what, "the other ones fail on it too"
        rollout_id = flag.get("rolloutId")
        if isinstance(rollout_id, str) and rollout_id and rollout_id not in rollouts:
            what = f"names {_quoted(rollout_id)}, a rollout that the datafile does not list"
            yield f"featureFlags[{index}].rolloutId", what, "the Java and JavaScript ones take it"


def _ids(items: list[Any]) -> set[str | int]:
    ids = (item.get("id") for item in items if isinstance(item, dict))
    return {id_ for id_ in ids if isinstance(id_, str | int)}


def _note(code: str, path: str, what: str) -> Note:
    return {"code": code, "message": f"{path} {what}", "path": path}


def _is(value: object, demand: str) -> bool:
    if demand == _TEXT:
        return isinstance(value, str)
    if demand == _WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, Mapping)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
