"""The history of a namespace's datafiles: which revision held at what time, so that "running" means running then."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from optilocal.emulator.datafile.datafile import Datafile, Event, Experiment, is_running
from optilocal.emulator.datafile.holdout_scope import HoldoutScope, holdout_scopes
from optilocal.emulator.datafile.sdk_demands import status_in_the_past
from optilocal.emulator.wording import listed, quoted


class _Union(Datafile):
    """Several datafiles that hold at once, seen as one: the environments of one project, or several projects.

    Texts are those of the first. A rule that stands in several is taken from where it runs; an event has all metrics.
    """

    def __init__(self, parts: Sequence[Datafile]) -> None:
        super().__init__(parts[0].raw)
        self.parts = parts

    @cached_property
    def account_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.account_id for part in self.parts))

    @cached_property
    def bot_filtering(self) -> bool:
        return any(part.bot_filtering for part in self.parts)

    @cached_property
    def experiments(self) -> tuple[Experiment, ...]:
        by_id: dict[str, Experiment] = {}
        for part in self.parts:
            for experiment in part.experiments:
                known = by_id.get(experiment.id)
                if known is None or (is_running(experiment) and not is_running(known)):
                    by_id[experiment.id] = experiment
        return tuple(by_id.values())

    @cached_property
    def events(self) -> tuple[Event, ...]:
        by_id: dict[str, Event] = {}
        for part in self.parts:
            for event in part.events:
                known = by_id.get(event.id)
                ids = (*(known.experiment_ids if known else ()), *event.experiment_ids)
                by_id[event.id] = Event(
                    event.id, known.key if known else event.key, tuple(dict.fromkeys(ids))
                )
        return tuple(by_id.values())

    @cached_property
    def flags(self) -> dict[str, tuple[str, ...]]:
        return {id_: keys for part in reversed(self.parts) for id_, keys in part.flags.items()}

    @cached_property
    def splits(self) -> dict[str, dict[str, float]]:
        return {id_: split for part in reversed(self.parts) for id_, split in part.splits.items()}

    @cached_property
    def attribute_keys(self) -> frozenset[str]:
        return frozenset().union(*(part.attribute_keys for part in self.parts))

    @cached_property
    def attribute_ids(self) -> dict[str, str]:
        return {key: id_ for part in reversed(self.parts) for key, id_ in part.attribute_ids.items()}


Revisions = Iterable[tuple[int, object]]


def _supersede(held: list[tuple[int, Datafile]], from_ms: int, datafile: Datafile) -> None:
    """Let a datafile hold from a time on. Revisions from that time or later are dropped; the first one holds before all."""
    first = held[0][1] if held else None
    while held and held[-1][0] >= from_ms:
        held.pop()
    if not held and first is not None:
        held.append((from_ms - 1, first))
    held.append((from_ms, datafile))


class DatafileHistory:
    """Every revision of a namespace's datafiles with the time from which it held.

    The first revision of a datafile also holds for all earlier times: an event may be stamped before the
    emulator was told of the datafile. Several SDK keys (environments) are judged as one.
    """

    def __init__(self, revisions: Revisions | Mapping[str, Revisions]) -> None:
        """`[(from_ms, datafile JSON), …]` of one SDK key, or such a list for each SDK key, in the order they were set.

        A revision holds from its time on, instead of whatever was set before it: a clock that was moved back
        does not bring an older revision to life again.

        Raises DatafileError when one of them is not a datafile.
        """
        lists = revisions if isinstance(revisions, Mapping) else {"": revisions}
        self._keys: dict[str, tuple[list[int], list[Datafile]]] = {}
        for key, pairs in lists.items():
            held: list[tuple[int, Datafile]] = []
            for from_ms, obj in pairs:
                _supersede(held, from_ms, Datafile.from_json(obj))
            if held:
                self._keys[key] = ([from_ms for from_ms, _ in held], [datafile for _, datafile in held])
        # Between two of these times what holds does not change; it is looked up for every event, several times.
        self._times = sorted({time for times, _ in self._keys.values() for time in times})
        self._held: dict[int, Datafile | None] = {}
        self._unions: dict[tuple[int, ...], Datafile] = {}
        self._of_account: dict[str, DatafileHistory] = {}

    @cached_property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts of all revisions, in the order in which they were set."""
        return tuple(
            dict.fromkeys(
                datafile.account_id for _, datafiles in self._keys.values() for datafile in datafiles
            )
        )

    def of_account(self, account_id: str) -> "DatafileHistory":
        """What is known of one account: itself when it has no other, empty when no revision is of that account."""
        if self.account_ids == (account_id,):
            return self
        if account_id not in self.account_ids:
            return DatafileHistory([])
        if account_id not in self._of_account:
            self._of_account[account_id] = DatafileHistory(
                {
                    key: [
                        (from_ms, datafile.raw)
                        for from_ms, datafile in zip(times, datafiles, strict=True)
                        if datafile.account_id == account_id
                    ]
                    for key, (times, datafiles) in self._keys.items()
                }
            )
        return self._of_account[account_id]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def at(self, ms: int) -> Datafile | None:
        """What held at this time (epoch milliseconds), all SDK keys together; None without a datafile."""
        place = bisect_right(self._times, ms)
        if place not in self._held:
            indices = tuple(max(bisect_right(times, ms) - 1, 0) for times, _ in self._keys.values())
            self._held[place] = self._union(indices)
        return self._held[place]

    @cached_property
    def newest(self) -> Datafile | None:
        """The newest revision of every SDK key, taken together; None when there is no datafile."""
        return self._union(tuple(len(times) - 1 for times, _ in self._keys.values()))

    def of_key(self, sdk_key: str, ms: int) -> Datafile | None:
        """What one SDK key's datafile said at this time, or None when that key is not known."""
        if sdk_key not in self._keys:
            return None
        times, datafiles = self._keys[sdk_key]
        return datafiles[max(bisect_right(times, ms) - 1, 0)]

    def _union(self, indices: tuple[int, ...]) -> Datafile | None:
        if not indices:
            return None
        union = self._unions.get(indices)
        if union is None:
            lists = (datafiles for _, datafiles in self._keys.values())
            parts = [part[i] for part, i in zip(lists, indices, strict=True)]
            union = self._unions[indices] = parts[0] if len(parts) == 1 else _Union(parts)
        return union

    @cached_property
    def _last_seen(self) -> dict[str, Datafile]:
        """Experiment id → the last revision that lists it."""
        last: dict[str, Datafile] = {}
        for from_ms in self._times:
            held = self.at(from_ms)
            if held is not None:
                last.update({experiment.id: held for experiment in held.experiments})
        return last

    def experiment(self, experiment_id: str | None) -> Experiment | None:
        """The experiment, delivery or holdout of this id as the last revision that lists it describes it."""
        datafile = self._last_seen.get(experiment_id or "")
        return datafile.experiment_by_id(experiment_id) if datafile else None

    def unlisted(self, event: Event) -> tuple[str, ...]:
        """The ids of experiments that an event names and no revision lists."""
        return tuple(id_ for id_ in event.experiment_ids if id_ not in self._last_seen)

    def experiments_with_metric(self, event_id: str) -> tuple[Experiment, ...]:
        """The experiments that have the event as a metric by the last revision that lists each experiment.

        So a metric that was added late counts from all stored events (docs/optimizely.md, "Counting"), and
        an experiment that has since left the datafile keeps the metrics it had.
        """
        return self._with_metric.get(event_id, ())

    @cached_property
    def _with_metric(self) -> dict[str, tuple[Experiment, ...]]:
        by_event: dict[str, list[Experiment]] = {}
        for experiment_id, datafile in self._last_seen.items():
            experiment = datafile.experiment_by_id(experiment_id)
            for event in datafile.metrics.get(experiment_id, ()):
                if experiment is not None:
                    by_event.setdefault(event.id, []).append(experiment)
        return {event_id: tuple(experiments) for event_id, experiments in by_event.items()}

    def metrics(self, experiment_id: str) -> tuple[Event, ...]:
        """The events that are metrics of the experiment by the last revision that lists it."""
        datafile = self._last_seen.get(experiment_id)
        return datafile.metrics.get(experiment_id, ()) if datafile else ()

    def namesakes(self, key: str) -> tuple[Experiment, ...]:
        """Every rule of this key, each as the last revision that lists it describes it."""
        return self._by_key.get(key, ())

    @cached_property
    def _by_key(self) -> dict[str, tuple[Experiment, ...]]:
        by_key: dict[str, list[Experiment]] = {}
        for rule_id, datafile in self._last_seen.items():
            rule = datafile.experiment_by_id(rule_id)
            if rule is not None:
                by_key.setdefault(rule.key, []).append(rule)
        return {key: tuple(rules) for key, rules in by_key.items()}

    def flags(self, experiment_id: str) -> tuple[str, ...]:
        """The keys of the flags that the experiment is a rule of."""
        datafile = self._last_seen.get(experiment_id)
        return datafile.flags.get(experiment_id, ()) if datafile else ()

    @cached_property
    def holdouts(self) -> dict[str, HoldoutScope]:
        """Every holdout, global or local, by its id, as the last revision that lists it describes it."""
        rules = [self.experiment(rule_id) for rule_id in self._last_seen]
        environments = {sdk_key: datafiles for sdk_key, (_, datafiles) in self._keys.items()}
        return holdout_scopes((rule for rule in rules if rule and rule.kind == "holdout"), environments)

    def running_at(self, experiment_id: str, ms: int) -> bool:
        """Whether the experiment was Running at this time (epoch milliseconds)."""
        datafile = self.at(ms)
        experiment = datafile.experiment_by_id(experiment_id) if datafile else None
        return experiment is not None and is_running(experiment)

    def listed_before(self, experiment_id: str, ms: int) -> bool:
        """Whether a revision that held at or before this time lists the experiment."""
        held = (self.at(time) for time in self._times if time <= ms)
        return any(datafile is not None and datafile.experiment_by_id(experiment_id) for datafile in held)

    def ran(self, experiment_id: str) -> tuple[int, int | None] | None:
        """When the experiment was first Running, and when it was last stopped, None while it runs; None if it never ran."""
        times = self._times
        running = [self.running_at(experiment_id, time) for time in times]
        if True not in running:
            return None
        last = len(running) - 1 - running[::-1].index(True)
        return times[running.index(True)], times[last + 1] if last + 1 < len(times) else None

    def was_called(self, event_id: str, key: str) -> bool:
        """Whether the event of this id has this key in some revision."""
        return any(
            event.id == event_id and event.key == key
            for _, datafiles in self._keys.values()
            for datafile in datafiles
            for event in datafile.events
        )

    def renamed(self, key: str, datafile: Datafile) -> Event | None:
        """What an event of this key in some other revision is called in `datafile`; None when it is not there."""
        for _, datafiles in self._keys.values():
            for other in reversed(datafiles):
                former = other.event(key)
                event = datafile.event_by_id(former.id) if former else None
                if event is not None and event.key != key:
                    return event
        return None

    def find_event(self, entity_id: str | None, key: str | None, ms: int) -> Event | None:
        """The event a conversion means: as the datafile knew it then, else as the newest one knows it."""
        for datafile in (self.at(ms), self.newest):
            event = datafile.find_event(entity_id, key) if datafile else None
            if event is not None:
                return event
        return None


def named(rule: Experiment, history: DatafileHistory) -> str:
    """A rule as sentences name it: `"ab_rule"`, and where others have its key `"ab_rule" of the flag "meals"`."""
    others = [other for other in history.namesakes(rule.key) if other.id != rule.id]
    if not others:
        return quoted(rule.key)
    flags = history.flags(rule.id)
    if flags and all(set(flags).isdisjoint(history.flags(other.id)) for other in others):
        return f"{quoted(rule.key)} of the {'flag' if len(flags) == 1 else 'flags'} {listed(flags)}"
    if rule.environment and all(rule.environment != other.environment for other in others):
        return f"{quoted(rule.key)} of the environment {quoted(rule.environment)}"
    return f"{quoted(rule.key)} (id {rule.id})"


def suffixes(rule: Experiment, history: DatafileHistory) -> tuple[str | None, ...]:
    """What a rule's key is followed by where another one with that key comes first: flag, else environment, else id."""
    others = [other for other in history.namesakes(rule.key) if other.id != rule.id]
    flags = history.flags(rule.id)
    of_its_own = flags and all(set(flags).isdisjoint(history.flags(other.id)) for other in others)
    return (flags[0] if of_its_own else None, rule.environment, rule.id)


def stood(rule: Experiment, ms: int, history: DatafileHistory) -> str:
    """What a rule that did not run was at this time (epoch milliseconds), to follow its name: `was Paused`."""
    datafile = history.at(ms)
    then = datafile.experiment_by_id(rule.id) if datafile else None
    if then is None:
        no_longer = history.listed_before(rule.id, ms)
        return "was no longer in the datafile" if no_longer else "was not yet in the datafile"
    return status_in_the_past(then.status)
