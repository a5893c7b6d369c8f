"""One Optimizely datafile: its events, attributes and experiments by key and id."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from optilocal.emulator.datafile.feature_rollout import FEATURE_ROLLOUT, added_variations, with_added
from optilocal.emulator.datafile.nearest import Near, nearest
from optilocal.emulator.datafile.problems import ExperimentKind, experiment_lists, problems

RUNNING = "Running"
# What a rule without a status counts as (Experiment.java of Optimizely's Java SDK).
_NO_STATUS = "Not started"


class DatafileError(ValueError):
    """The text or object is not a datafile; the message is one line that says what is wrong and where."""


@dataclass(frozen=True)
class Variation:
    """One variation of an experiment."""

    id: str
    key: str


@dataclass(frozen=True)
class Experiment:
    """One rule: an experiment, a holdout, which has results of its own, or a delivery (of a rollout or targeted), which
    has none.

    `bandit_attributes` are the ids of the attributes that a contextual bandit decides by; None for any other rule.
    """

    id: str
    key: str
    status: str
    kind: ExperimentKind
    variations: tuple[Variation, ...]
    type: str | None = None
    environment: str | None = None
    included_rules: tuple[str, ...] | None = None
    bandit_attributes: tuple[str, ...] | None = None
    layer_id: str | None = None

    def has_campaign(self, campaign_id: str | None) -> bool:
        """Whether a decision of this experiment may name that campaign: its layer, or none at all.

        SDKs send the experiment's own id where the datafile has no layer, and some where the layer's id is no number:
        https://github.com/optimizely/python-sdk/blob/master/optimizely/event/event_id_normalizer.py
        """
        if not campaign_id or not self.layer_id or campaign_id == self.layer_id:
            return True
        return campaign_id == self.id and not self.layer_id.isdigit()

    def covers(self, rule_id: str) -> bool:
        """Whether this, a holdout, keeps visitors out of that rule: a local one of its own rules, a global
        one of all.
        """
        return self.kind == "holdout" and (self.included_rules is None or rule_id in self.included_rules)

    def variation(self, variation_id: str | None) -> Variation | None:
        """The variation of this id, or None."""
        return next((variation for variation in self.variations if variation.id == variation_id), None)

    def variation_by_key(self, key: str | None) -> Variation | None:
        """The variation of this key, or None."""
        return next((variation for variation in self.variations if variation.key == key), None)


@dataclass(frozen=True)
class Event:
    """One event of the datafile, with the ids of the experiments that have it as a metric."""

    id: str
    key: str
    experiment_ids: tuple[str, ...]


class Datafile:
    """One datafile. `raw` is the JSON as it was given; everything else is looked up in it."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.revision = str(raw.get("revision"))
        self.project_id, self.account_id = str(raw.get("projectId")), str(raw.get("accountId"))
        self.sdk_key: str | None = raw.get("sdkKey")
        self.environment: str | None = raw.get("environmentKey")
        self.region = str(raw.get("region") or "US")
        """ "US" or "EU": which Event API Optimizely's SDKs post to (docs/optimizely.md, "Datafile CDN")."""

    @classmethod
    def from_json(cls, obj: object) -> "Datafile":
        """A datafile from parsed JSON; raises DatafileError, one line with the first reasons."""
        reasons = problems(obj)
        if reasons or not isinstance(obj, dict):
            more = f" (and {len(reasons) - 3} more)" if len(reasons) > 3 else ""
            raise DatafileError("not an Optimizely datafile: " + "; ".join(reasons[:3]) + more)
        return cls(obj)

    @cached_property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts this belongs to: one, but for several datafiles taken together."""
        return (self.account_id,)

    @cached_property
    def bot_filtering(self) -> bool:
        return self.raw.get("botFiltering") is True

    @cached_property
    def experiments(self) -> tuple[Experiment, ...]:
        """Experiments, then groups' experiments, then deliveries, then holdouts, in the datafile's order."""
        return tuple(
            self._experiment(item, kind, place)
            for place, items, kind in experiment_lists(self.raw)
            for item in items
        )

    def _experiment(self, item: Mapping[str, Any], kind: ExperimentKind, place: str) -> Experiment:
        # A targeted delivery may stand among the experiments; like a rollout it has no results.
        # Source: docs/optimizely.md, "Counting".
        delivery = kind == "experiment" and item.get("type") == "td"
        variations = item.get("variations") or []
        if kind == "experiment" and item.get("type") == FEATURE_ROLLOUT:
            variations = with_added(variations, self._added_variations.get(str(item["id"]), []))
        return Experiment(
            id=str(item["id"]),
            key=str(item["key"]),
            status=item.get("status") or _NO_STATUS,
            kind="delivery" if delivery else kind,
            variations=tuple(Variation(str(v["id"]), str(v["key"])) for v in variations),
            type=item.get("type"),
            environment=self.environment or self.sdk_key,
            # Only a local holdout has rules of its own; on a global one they are ignored.
            # Source: docs/optimizely.md, "Datafile CDN".
            included_rules=tuple(item.get("includedRules") or ()) if place == "localHoldouts" else None,
            layer_id=None if item.get("layerId") is None else str(item["layerId"]),
            bandit_attributes=_bandit_attributes(item.get("cmab")) if kind == "experiment" else None,
        )

    @cached_property
    def _added_variations(self) -> dict[str, list[Mapping[str, Any]]]:
        return added_variations(self.raw)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        return tuple(
            Event(str(item["id"]), str(item["key"]), tuple(str(i) for i in item.get("experimentIds") or ()))
            for item in self.raw["events"]
        )

    @cached_property
    def attribute_keys(self) -> frozenset[str]:
        return frozenset(str(item["key"]) for item in self.raw.get("attributes") or ())

    @cached_property
    def attribute_ids(self) -> dict[str, str]:
        """Attribute key → id."""
        return {str(item["key"]): str(item["id"]) for item in self.raw.get("attributes") or ()}

    @cached_property
    def _events_by_key(self) -> dict[str, Event]:
        # Of several events with one key the first wins.
        # Source: Segment's optimizely-feature-experimentation-actions/trackEvent/index.ts.
        return {event.key: event for event in reversed(self.events)}

    @cached_property
    def _events_by_id(self) -> dict[str, Event]:
        return {event.id: event for event in reversed(self.events)}

    @cached_property
    def _experiments_by_id(self) -> dict[str, Experiment]:
        return {experiment.id: experiment for experiment in reversed(self.experiments)}

    @cached_property
    def _experiments_by_key(self) -> dict[str, Experiment]:
        return {experiment.key: experiment for experiment in reversed(self.experiments)}

    def event(self, key: str) -> Event | None:
        """The event of exactly this key, or None."""
        return self._events_by_key.get(key)

    def event_by_id(self, event_id: str | None) -> Event | None:
        """The event of this id, or None."""
        return None if event_id is None else self._events_by_id.get(event_id)

    def find_event(self, entity_id: str | None, key: str | None) -> Event | None:
        """The event a conversion means: by its entity_id, and by its key only when it has no entity_id."""
        if entity_id:
            return self.event_by_id(entity_id)
        return None if key is None else self.event(key)

    def experiment_by_id(self, experiment_id: str | None) -> Experiment | None:
        """The experiment, delivery or holdout of this id, or None."""
        return None if experiment_id is None else self._experiments_by_id.get(experiment_id)

    def experiment_by_key(self, key: str) -> Experiment | None:
        """The experiment, delivery or holdout of this key, or None."""
        return self._experiments_by_key.get(key)

    def experiments_with_metric(self, event_id: str) -> tuple[Experiment, ...]:
        """The experiments with this event as a metric; deliveries have no results, holdouts some of their own."""
        event = self.event_by_id(event_id)
        if event is None:
            return ()
        experiments = (
            self.experiment_by_id(experiment_id) for experiment_id in dict.fromkeys(event.experiment_ids)
        )
        return tuple(
            experiment for experiment in experiments if experiment and experiment.kind == "experiment"
        )

    @cached_property
    def flags(self) -> dict[str, tuple[str, ...]]:
        """Experiment id → the keys of the flags that it is a rule of; an experiment without a flag is not there."""
        by_experiment: dict[str, list[str]] = {}
        for flag in self.raw.get("featureFlags") or ():
            if isinstance(flag, dict) and isinstance(flag.get("key"), str):
                for experiment_id in flag.get("experimentIds") or ():
                    by_experiment.setdefault(str(experiment_id), []).append(flag["key"])
        return {experiment_id: tuple(keys) for experiment_id, keys in by_experiment.items()}

    @cached_property
    def flag_keys(self) -> tuple[str, ...]:
        """The keys of the datafile's flags."""
        flags = self.raw.get("featureFlags") or ()
        return tuple(str(flag["key"]) for flag in flags if isinstance(flag, dict) and "key" in flag)

    @cached_property
    def metrics(self) -> dict[str, tuple[Event, ...]]:
        """Experiment id → the events it has as metrics, in the datafile's order."""
        attached: dict[str, list[Event]] = {}
        for event in self._events_by_id.values():
            for experiment in self.experiments_with_metric(event.id):
                attached.setdefault(experiment.id, []).append(event)
        order = {event.id: index for index, event in enumerate(self.events)}
        return {id_: tuple(sorted(events, key=lambda e: order[e.id])) for id_, events in attached.items()}

    @cached_property
    def splits(self) -> dict[str, dict[str, float]]:
        """Experiment id → variation id → share of those who enter it, as its traffic allocation intends; only experiments
        whose split is fixed: no bandits, no rollouts. A variation without traffic is not there.
        """
        splits: dict[str, dict[str, float]] = {}
        for _, items, kind in experiment_lists(self.raw):
            for item in items if kind == "experiment" else ():
                if item.get("type") in (None, "ab", "a/b") and not item.get("cmab"):
                    splits.setdefault(str(item["id"]), _split(item.get("trafficAllocation")))
        return splits

    def nearest_events(self, name: str, limit: int = 3) -> list[Near]:
        """Event keys that are truly close to `name` in case, spacing or spelling, best first."""
        return nearest(name, (event.key for event in self.events), limit)


def _split(allocation: object) -> dict[str, float]:
    """Variation id → share, of a list `[{"entityId", "endOfRange"}, …]`; what goes to nobody is left out."""
    widths: dict[str, int] = {}
    last = 0
    for each in allocation if isinstance(allocation, list) else ():
        end = each.get("endOfRange") if isinstance(each, Mapping) else None
        if isinstance(end, int) and end > last:
            if each.get("entityId"):
                widths[str(each["entityId"])] = widths.get(str(each["entityId"]), 0) + end - last
            last = end
    whole = sum(widths.values())
    return {variation_id: width / whole for variation_id, width in widths.items()}


def _bandit_attributes(cmab: object) -> tuple[str, ...] | None:
    """The SDKs take a rule for a contextual bandit by its `cmab` alone, whatever its type."""
    if not isinstance(cmab, Mapping):
        return None
    ids = cmab.get("attributeIds")
    return tuple(str(id_) for id_ in ids) if isinstance(ids, list) else ()


def is_running(experiment: Experiment) -> bool:
    """Whether the experiment's status is Running, the one status that Optimizely's SDKs take as active."""
    return experiment.status == RUNNING


def same_but_for_revision(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a changed datafile kept its revision, so that SDKs that hold the old one ignore it.

    Python, JavaScript, Go and Java compare the revision alone (docs/optimizely.md, "Datafile CDN").
    """
    return old.get("revision") == new.get("revision") and json.dumps(old, sort_keys=True) != json.dumps(
        new, sort_keys=True
    )
