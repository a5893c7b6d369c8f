"""What a holdout is compared within: the environments that list it, with their rules, flags, accounts and events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optilocal.emulator.datafile.datafile import Datafile, Event, Experiment


@dataclass(frozen=True)
class HoldoutScope:
    """One holdout and its environments: an environment is a datafile with all its revisions.

    `rules` are the ids of their rules, holdouts left out; `flags` the keys of the flags that no other environment has,
    since rules belong to environments and flags to projects. `metrics` maps event ids to the events that name the holdout
    in `experimentIds`; where none does, as in the datafiles that Optimizely serves, to all events of its environments.
    """

    holdout: Experiment
    accounts: frozenset[str]
    projects: frozenset[str]
    rules: frozenset[str]
    flags: frozenset[str]
    metrics: Mapping[str, Event]


def holdout_scopes(
    holdouts: Iterable[Experiment], environments: Mapping[str, Sequence[Datafile]]
) -> dict[str, HoldoutScope]:
    """Holdout id → its scope; `environments` are the revisions of each SDK key's datafile, oldest first."""
    return {holdout.id: _scope(holdout, environments) for holdout in holdouts}


def _scope(holdout: Experiment, environments: Mapping[str, Sequence[Datafile]]) -> HoldoutScope:
    listing = {
        sdk_key: last
        for sdk_key, revisions in sorted(environments.items())
        if (last := _last_with(holdout.id, revisions)) is not None
    }
    events = {event.id: event for datafile in listing.values() for event in datafile.events}
    attached = {id_: event for id_, event in events.items() if holdout.id in event.experiment_ids}
    own = [datafile for sdk_key in listing for datafile in environments[sdk_key]]
    having: dict[str, set[str]] = {}
    for sdk_key, revisions in environments.items():
        for datafile in revisions:
            for flag in datafile.flag_keys:
                having.setdefault(flag, set()).add(sdk_key)
    return HoldoutScope(
        holdout,
        frozenset(datafile.account_id for datafile in listing.values()),
        frozenset(datafile.project_id for datafile in listing.values()),
        frozenset(rule.id for datafile in own for rule in datafile.experiments if rule.kind != "holdout"),
        frozenset(flag for flag, keys in having.items() if len(keys) == 1 and keys <= set(listing)),
        attached or events,
    )


def _last_with(rule_id: str, revisions: Sequence[Datafile]) -> Datafile | None:
    return next((each for each in reversed(revisions) if each.experiment_by_id(rule_id)), None)
