"""The names in a datafile that a scenario or a test may use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from optilocal.emulator.counting.holdouts import GROUPS
from optilocal.emulator.datafile.datafile import Datafile


@dataclass(frozen=True)
class Names:
    """What of one or several datafiles can be named."""

    flags: frozenset[str]
    experiments: dict[str, frozenset[str]]
    """Experiments and other rules, each with its variations' keys."""
    activated: frozenset[str]
    """Those of them that `activate` takes."""
    events: frozenset[str]
    attributes: frozenset[str]

    @classmethod
    def of(cls, datafile: dict[str, Any]) -> Names:
        """The names of a datafile, looked up once for all scenarios that share it."""
        return _names(_Identity(datafile))

    def __or__(self, other: Names) -> Names:
        """What either has."""
        experiments = {
            key: self.experiments.get(key, frozenset()) | other.experiments.get(key, frozenset())
            for key in (*self.experiments, *other.experiments)
        }
        return Names(
            self.flags | other.flags,
            experiments,
            self.activated | other.activated,
            self.events | other.events,
            self.attributes | other.attributes,
        )


@dataclass(frozen=True, eq=False)
class _Identity:
    """A datafile as the key of a cache: the same object, which is never changed."""

    raw: dict[str, Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.raw is self.raw

    def __hash__(self) -> int:
        return id(self.raw)


@lru_cache(maxsize=64)
def _names(key: _Identity) -> Names:
    """Cached: for the shipped suite it would be a fifth of the time that loading takes, for a larger datafile more."""
    datafile = Datafile(key.raw)
    flags = frozenset(flag["key"] for flag in key.raw.get("featureFlags") or [] if "key" in flag)
    experiments: dict[str, frozenset[str]] = {}
    for rule in datafile.experiments:
        keys = {variation.key for variation in rule.variations}
        if rule.kind == "holdout":
            keys |= set(GROUPS)
        experiments[rule.key] = experiments.get(rule.key, frozenset()) | keys
    activated = {r.key for r in datafile.experiments if r.kind == "experiment" or r.type == "td"}
    events = frozenset(event.key for event in datafile.events)
    return Names(flags, experiments, frozenset(activated), events, datafile.attribute_keys)
