"""What only some of Optimizely's SDKs insist on in a datafile, and statuses that none of them knows: each with its place.

A datafile is served and judged in spite of all this; the application that reads it may be told otherwise by its SDK.
Sources: python-sdk 5.7.0 checks every datafile by the schema of `optimizely/helpers/constants.py`, then by what
`optimizely/entities.py` demands of each item; javascript-sdk checks no schema unless it is given one
(`lib/project_config/project_config.ts`); java-sdk takes numbers as ids (`GsonHelpers.java`) and a rule without a
status as not started (`Experiment.java`), where the statuses are listed too.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from optilocal.emulator.batch.row import Note
from optilocal.emulator.datafile.nearest import fold
from optilocal.emulator.datafile.problems import (
    ANY,
    OBJECT,
    TEXT,
    WHOLE,
    Demand,
    ExperimentKind,
    May,
    experiment_lists,
    unmet,
)
from optilocal.emulator.json_text import as_list

STATUSES = ("Running", "Launched", "Paused", "Not started", "Archived")
HOLDOUT_STATUSES = ("Draft", "Running", "Concluded", "Archived")
_KNOWN = (*STATUSES, *(status for status in HOLDOUT_STATUSES if status not in STATUSES))


_VARIABLES = May([{"id": ANY, "value": ANY}], be_null=True)
_VARIATION = {"id": TEXT, "key": TEXT, "variables": _VARIABLES}
_TRAFFIC = [{"entityId": TEXT, "endOfRange": WHOLE}]
_RULE: dict[str, Demand] = {
    "id": TEXT,
    "key": TEXT,
    "status": TEXT,
    "layerId": TEXT,
    "variations": [_VARIATION],
    "trafficAllocation": _TRAFFIC,
    "audienceIds": [TEXT],
    "forcedVariations": OBJECT,
}
# Of what the schema does not know the SDK only demands that it is there.
_DELIVERY: dict[str, Demand] = {
    **dict.fromkeys(_RULE, ANY),
    "variations": [{"id": ANY, "key": ANY, "variables": _VARIABLES}],
}
_HOLDOUT: dict[str, Demand] = {
    **dict.fromkeys(("id", "key", "status", "trafficAllocation", "audienceIds"), ANY),
    "variations": May([{"id": ANY, "key": ANY}], be_absent=False, be_null=True),
}
_FLAG: dict[str, Demand] = {
    "id": ANY,
    "key": ANY,
    "experimentIds": [ANY],
    "rolloutId": TEXT,
    "variables": [dict.fromkeys(("id", "key", "type", "defaultValue"), ANY)],
}
_DATAFILE: dict[str, Demand] = {
    "version": TEXT,
    "revision": TEXT,
    "projectId": TEXT,
    "accountId": TEXT,
    "groups": [{"id": TEXT, "policy": TEXT, "trafficAllocation": _TRAFFIC, "experiments": [_RULE]}],
    "experiments": [_RULE],
    "events": [{"id": TEXT, "key": TEXT, "experimentIds": [TEXT]}],
    "audiences": [{"id": TEXT, "name": TEXT, "conditions": TEXT}],
    "attributes": [{"id": TEXT, "key": TEXT}],
    "typedAudiences": May([{"id": ANY, "name": ANY, "conditions": ANY}]),
    "rollouts": May([{"id": ANY, "experiments": [_DELIVERY]}]),
    "featureFlags": May([_FLAG]),
    "holdouts": May([_HOLDOUT]),
    "localHoldouts": May([_HOLDOUT]),
    "integrations": May([{"key": TEXT, "host": May(TEXT), "publicKey": May(TEXT)}]),
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


def status_in_the_past(status: str) -> str:
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
    for path, found, wanted in unmet(raw, _DATAFILE):
        what = "is missing" if found is None else f"is {found}, not {wanted}"
        is_status = path.endswith(".status")
        yield (
            path,
            what,
            "the Java and JavaScript ones take the rule as not started" if is_status else _OTHERS,
        )
    yield from _unreadable_conditions(raw)
    yield from _dangling(raw)


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


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
