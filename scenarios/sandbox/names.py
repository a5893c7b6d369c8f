"""Checks the names that a test uses against the datafile's; a wrong name is an error with the nearest right one."""

from collections.abc import Collection, Mapping
from typing import Any

from optilocal.scenarios.language.names import Names
from optilocal.scenarios.language.problems import listed, meant


class UnknownName(ValueError):
    """The datafile has no such name; the text lists close ones."""


class Named(dict[str, Any]):
    """Results by name. An unknown name is a KeyError with the nearest known one."""

    def __init__(self, kind: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._kind = kind

    def __missing__(self, key: str) -> Any:
        raise KeyError(f"no {self._kind} {key!r} in the results{_hint(key, self)}")


class DatafileNames:
    """What a datafile calls its flags, experiments, variations and events. Each check raises UnknownName."""

    def __init__(self, datafile: Mapping[str, Any]) -> None:
        names = Names.of(dict(datafile))
        self._flags, self._events = names.flags, names.events
        self._experiments = {key: names.experiments[key] for key in names.activated}
        grouped = (group.get("experiments") or [] for group in datafile.get("groups") or [])
        experiments = (datafile.get("experiments") or [], datafile.get("holdouts") or [], *grouped)
        self._listed = {
            str(experiment[name])
            for several in experiments
            for experiment in several
            for name in ("id", "key")
            if name in experiment
        }

    def check_flag(self, key: str) -> None:
        """Check that the datafile has this flag."""
        _check("flag", key, self._flags)

    def check_experiment(self, key: str, variation: str | None = None) -> None:
        """Check that the datafile has this experiment, and the experiment this variation if one is given."""
        _check("experiment", key, self._experiments)
        if variation is not None:
            _check(f"variation of {key}", variation, self._experiments[key])

    def check_listed(self, experiment: str) -> None:
        """Check that the datafile has an experiment or holdout of this key or id, which can select verdicts."""
        if experiment not in self._listed:
            _check("experiment", experiment, self._experiments)

    def check_event(self, key: str) -> None:
        """Check that the datafile has this event."""
        _check("event", key, self._events)


def results_by_name(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Named:
    """`{experiment: {variation: {"visitors": n, EVENT KEY: {…}}}}` in which a wrong name says what was meant."""
    return Named(
        "experiment",
        {
            experiment: Named(
                f"variation of {experiment}", {key: Named("event", counts) for key, counts in arms.items()}
            )
            for experiment, arms in results.items()
        },
    )


def _check(kind: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise UnknownName(f"the datafile has no {kind} {name!r}{_hint(name, known)}")


def _hint(name: str, known: Collection[str]) -> str:
    return f"{meant(name, known)}; there are {listed(known)}"
