"""The journal's rows brought before the judge: verdicts and results of a namespace, kept while nothing changes them."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.clock import own_work
from optilocal.emulator.counting.rest_results import rest_results
from optilocal.emulator.counting.results import Totals
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.nearest import fold
from optilocal.emulator.datafile.store import REVISION
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.projection.indexing import Transaction
from optilocal.emulator.projection.tally import Tally
from optilocal.emulator.verdict.verdict import outcome_alone, related_visitors, verdict
from optilocal.serving.clock import monotonic

_BATCH = 500
_KEPT_HISTORIES = 64
_KEPT_TOTALS = 16
# While many wait for outcomes, the share of the time that judging for them leaves to others, as a multiple of its own.
_GIVEN_WAY = 50.0
_SHORTEST_TURN, _SOME = 0.5, 100
# New events of a namespace; fewer are counted in some ten milliseconds, when somebody asks.
_WORTH_COUNTING = 2_000
# Events of a namespace; fewer are counted in a second or two, when somebody asks.
_LARGE = 50_000


def event_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored event as the listings show it."""
    doc: dict[str, Any] = loads(row["doc"])
    return {
        "number": row["number"],
        "namespace": row["namespace"],
        **doc,
        "exchange": row["exchange"],
        "duplicate_of": row["duplicate_of"],
    }


class _Sitting:
    """Outcomes of many rows at one moment of the journal: histories and visitors are looked up once."""

    def __init__(self, judge: "Judge") -> None:
        self._judge = judge
        self._histories: dict[str, DatafileHistory] = {}
        self._standings: dict[tuple[str, str | None], Standings] = {}

    def outcome(self, row: Mapping[str, Any]) -> tuple[str | None, str]:
        """The outcome of one stale row, and a JSON list of the experiments' names and ids that it is credited to."""
        found = None
        if row["doc"] is not None and row["duplicate_of"] is None:
            conversion: Any = loads(row["doc"])
            delivery = loads(row["delivery"]) if row["delivery"] else None
            standings = self._standing(row["namespace"], conversion["visitor_id"])
            found = outcome_alone(delivery, conversion, standings)
        if found is None:
            whole = self._judge.verdict(row)
            found = whole["outcome"], whole["attributed_to"]
        outcome, places = found
        credited = {place[name] for place in places for name in ("experiment", "experiment_id")}
        return outcome, dumps(sorted(credited)) if credited else "[]"

    def settled(self, namespace: str, visitor: str, since: int) -> bool:
        """Whether the visitor's decisions from that number on change the outcome of none of its conversions."""
        if not since:
            return False
        decisions = self._judge.decisions(namespace, visitor)
        before = [row for row in decisions if row.get("number", 0) < since]
        standings = Standings(before, self._history(namespace), self._judge.rules)
        return all(standings.settle(row) for row in decisions[len(before) :])

    def _standing(self, namespace: str, visitor: str | None) -> Standings:
        made = self._standings.get((namespace, visitor))
        if made is None:
            decisions = self._judge.decisions(namespace, visitor)
            made = Standings(decisions, self._history(namespace), self._judge.rules)
            self._standings[namespace, visitor] = made
        return made

    def _history(self, namespace: str) -> DatafileHistory:
        if namespace not in self._histories:
            self._histories[namespace] = self._judge.history(namespace)
        return self._histories[namespace]


def _make_stale(run: Transaction, decided: Sequence[Mapping[str, Any]], sitting: _Sitting) -> None:
    """Have the conversions of newly decided visitors judged anew, unless the new decisions change nothing."""
    changed: dict[str, list[str]] = {}
    for row in decided:
        if not sitting.settled(row["namespace"], row["visitor_id"], row["since"]):
            changed.setdefault(row["namespace"], []).append(row["visitor_id"])
    for namespace, visitors in changed.items():
        for statement in ("stale visitors", "stale conversions of visitors"):
            run(statement, namespace=namespace, visitors=dumps(visitors))
    run.many("decided", [(row["namespace"], row["visitor_id"]) for row in decided])


class Judge:
    """Verdicts and results over one journal."""

    def __init__(self, journal: Journal, rules: Rules) -> None:
        self.journal = journal
        self.rules = rules
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._histories: OrderedDict[str, tuple[object, DatafileHistory]] = OrderedDict()
        self._counted: OrderedDict[str, Tally] = OrderedDict()
        self._counted_ahead = 0
        self._next_turn = 0.0
        self.wanted = threading.Event()

    def history(self, namespace: str) -> DatafileHistory:
        """Every revision of the namespace's datafiles, with the time from which it held."""
        state = self.journal.documents_state(REVISION, namespace)
        with self._lock:
            kept = self._histories.get(namespace)
        if kept is None or kept[0] != state:
            revisions: dict[str, list[tuple[int, object]]] = {}
            for _, _, doc in self.journal.documents(REVISION, namespace):
                revisions.setdefault(doc["of"], []).append((doc["from"], doc["datafile"]))
            kept = (state, DatafileHistory(revisions))
            with self._lock:
                self._histories[namespace] = kept
                while len(self._histories) > _KEPT_HISTORIES:
                    self._histories.popitem(last=False)
        return kept[1]

    def experiment_names(self, namespace: str | None, name: str) -> str:
        """A JSON list of the name and of every experiment id that it means: what the filter `experiment` takes."""
        found = {name}
        for space, _, doc in self.journal.documents(REVISION, namespace):
            experiment = self.history(space).of_key(doc["of"], doc["from"])
            known = experiment.experiment_by_key(name) if experiment else None
            if known:
                found.add(known.id)
        return dumps(sorted(found))

    # -- verdicts

    def verdict(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The verdict of one row of the listing, with its number and namespace."""
        namespace = row["namespace"]
        delivery = loads(row["delivery"]) if row["delivery"] else None
        conversion = self._event(row["event"])
        duplicate, taken = None, False
        if conversion is not None and conversion["duplicate_of"] is not None:
            duplicate = self._event(conversion["duplicate_of"])
            owners = self.journal.select("taken by report", event=conversion["duplicate_of"])
            # Without an owner the first one came from an SDK.
            taken = duplicate is not None and all(owner["number"] != row["number"] for owner in owners)
        visitor = conversion["visitor_id"] if conversion else row["visitor_id"]
        found = verdict(
            delivery,
            conversion,
            decisions=self.decisions(namespace, visitor),
            history=self.history(namespace),
            rules=self.rules,
            duplicate_of=duplicate,
            uuid_taken_by_other_delivery=taken,
            relatives=self._relatives(namespace, visitor, related_visitors(delivery, conversion)),
        )
        if self.journal.dropped("events", namespace):
            found["warnings"] = [
                *found["warnings"],
                {
                    "code": "journal_dropped",
                    "message": "The journal is full and has dropped older events of this namespace;"
                    " an earlier decision of this visitor may be among them.",
                },
            ]
        return {"number": row["number"], "namespace": namespace, **found}

    def _event(self, number: int | None) -> Any:
        rows = [] if number is None else self.journal.select("event", number=number)
        return event_json(rows[0]) if rows else None

    def decisions(self, namespace: str, visitor: str | None) -> list[EventRow]:
        """All decisions of a visitor, replays collapsed."""
        if not visitor:
            return []
        rows = self.journal.select("decisions of visitor", namespace=namespace, visitor_id=visitor)
        return [event_json(row) for row in rows]  # type: ignore[misc]

    def _relatives(
        self, namespace: str, visitor: str | None, named: Sequence[str]
    ) -> dict[str, Sequence[EventRow]]:
        ids = dict.fromkeys(named)
        if visitor:
            close = self.journal.select("close visitors", namespace=namespace, fold=fold(visitor))
            ids |= dict.fromkeys(row["visitor_id"] for row in close)
        return {id_: self.decisions(namespace, id_) for id_ in ids if id_ != visitor}

    def refresh(self, namespace: str | None) -> None:
        """Bring the stored outcomes up to date, so that they can be filtered by; only what changed is judged anew."""
        self.journal.catch_up()
        self._refresh(namespace)

    def _refresh(self, namespace: str | None) -> None:
        while self.refresh_some(namespace, _BATCH):
            pass

    def refresh_in_turn(self, namespace: str | None) -> tuple[float, bool]:
        """Judge some of what is new for somebody who waits, unless that was done so lately that it would slow capture.

        In how many seconds it is worth asking again, and whether there may be more to judge.
        """
        left = self._next_turn - monotonic()
        if left > 0:
            return max(left, _SHORTEST_TURN), True
        begun = own_work()
        more = self.refresh_some(namespace, _SOME) >= _SOME
        pause = (own_work() - begun) * _GIVEN_WAY
        self._next_turn = monotonic() + pause
        return pause, more

    def refresh_some(self, namespace: str | None, most: int) -> int:
        """Bring at most so many stored outcomes up to date, and look at as many visitors with new decisions.

        How many there were of both.
        """
        every = namespace is None
        if not self.journal.select("stale" if every else "stale of", namespace=namespace):
            return 0
        # Judged and stored under one lock: what arrives in between cannot be overlooked.
        with self.journal.transaction() as run:
            sitting = _Sitting(self)
            decided = run("newly decided" if every else "newly decided of", namespace=namespace, limit=most)
            _make_stale(run, decided, sitting)
            rows = run("stale verdicts" if every else "stale verdicts of", namespace=namespace, limit=most)
            alike: dict[tuple[str | None, str], list[int]] = {}
            judged: dict[str, set[str | None]] = {}
            for row in rows:
                found = sitting.outcome(row)
                alike.setdefault(found, []).append(row["number"])
                judged.setdefault(row["namespace"], set()).add(found[0])
            for (outcome, attributed), numbers in alike.items():
                run("store outcome", numbers=dumps(numbers), outcome=outcome, attributed=attributed)
        for space, outcomes in judged.items():
            self.journal.bells.ring_judged(space, outcomes)
        return len(decided) + len(rows)

    # -- results

    def results(self, namespace: str) -> dict[str, Any]:
        """`GET /_emulator/results`."""
        self.journal.catch_up()
        history = self.history(namespace)
        self.wanted.set()
        with self._counting:
            found = self._totals(namespace, history).results(history)
            behind = self.behind(namespace)
        return {**found, "behind": behind} if behind else found

    def rest_results(self, namespace: str, experiment_id: str) -> dict[str, Any] | None:
        """`GET /v2/experiments/<id>/results`: None when there is no data; KeyError for an unknown experiment."""
        self.journal.catch_up()
        history = self.history(namespace)
        self.wanted.set()
        with self._counting:
            return rest_results(experiment_id, self._totals(namespace, history), history)

    def count_ahead(self, pause: Callable[[], None]) -> None:
        """Count where so much is new that whoever asks for results would have to wait.

        `pause` is called after each event; what it raises ends the counting for now. While others
        want results, `wanted` is set.
        """
        newest = self.journal.newest_number("events", None)
        if newest - self._counted_ahead < _WORTH_COUNTING:
            return
        news = self.journal.select("events since", number=self._counted_ahead)
        for namespace in [row["namespace"] for row in news if row["total"] >= _WORTH_COUNTING]:
            history = self.history(namespace)
            state = self._state(namespace, history)
            if self._is_frozen(self._counted.get(namespace), state):
                self._recount(namespace, history, state, pause)
                continue
            with self._counting:
                self.wanted.clear()
                self._totals(namespace, history, pause)
        self._counted_ahead = newest

    @staticmethod
    def _is_frozen(counted: Tally | None, state: tuple[int, Any, int]) -> bool:
        """Whether totals stay as they are for whoever asks: only dropped events are amiss, and there are many to count."""
        return (
            counted is not None
            and counted.state[:2] == state[:2]
            and counted.state != state
            and counted.number - counted.since > _LARGE
        )

    def _recount(
        self,
        namespace: str,
        history: DatafileHistory,
        state: tuple[int, Any, int],
        pause: Callable[[], None],
    ) -> None:
        """Count a large namespace anew beside the totals that are given out meanwhile; nobody waits for it."""

        def unhurried() -> None:
            self.wanted.clear()
            pause()

        counted = self._tally(namespace, history, state)
        self._count(namespace, counted, unhurried)
        with self._counting:
            # Erased visitors, or another datafile: then all of it is counted again, by whoever asks first.
            if self._state(namespace, history)[:2] == state[:2]:
                self._counted[namespace] = counted

    def _totals(
        self, namespace: str, history: DatafileHistory, pause: Callable[[], None] | None = None
    ) -> Totals:
        """The namespace's totals, brought up to its newest event.

        Where the bound keeps dropping events of a large namespace, totals are those of the last time that all was
        counted: whoever asks is not kept waiting for what the background (`pause`) does from time to time.
        """
        while True:
            state = self._state(namespace, history)
            counted = self._counted.get(namespace)
            if counted is None or counted.state[:2] != state[:2]:
                counted = self._tally(namespace, history, state)
            elif counted.state != state:
                if self._is_frozen(counted, state):
                    return counted.totals
                counted = self._tally(namespace, history, state)
            self._count(namespace, counted, pause)
            now = self._state(namespace, history)
            # What was erased or dropped meanwhile would be taken away without having been there.
            if now == state or (now[:2] == state[:2] and counted.number - counted.since > _LARGE):
                break
        self._counted.pop(namespace, None)
        self._counted[namespace] = counted
        while len(self._counted) > _KEPT_TOTALS:
            self._counted.popitem(last=False)
        return counted.totals

    def behind(self, namespace: str) -> int:
        """How many events came since the totals were counted, as far as they are not counted when asked for."""
        counted = self._counted.get(namespace)
        if counted is None or counted.state == self._state(namespace, counted.history):
            return 0
        return self.journal.newest_number("events", namespace) - counted.number

    def _state(self, namespace: str, history: DatafileHistory) -> tuple[int, Any, int]:
        return (
            id(history),
            self.journal.document("epoch", namespace),
            self.journal.dropped("events", namespace),
        )

    def _tally(self, namespace: str, history: DatafileHistory, state: tuple[int, Any, int]) -> Tally:
        return Tally(history, self.rules, state, self.journal.oldest_number("events", namespace))

    def _count(self, namespace: str, tally: Tally, pause: Callable[[], None] | None) -> None:
        """Bring a tally up to the newest event."""
        newest = self.journal.newest_number("events", namespace)

        def rows_of(visitor: str) -> list[EventRow]:
            rows = self.journal.select("rows of visitor", namespace=namespace, visitor_id=visitor)
            return [event_json(row) for row in rows if row["number"] <= tally.number]  # type: ignore[misc]

        while tally.number < newest:
            key = {"namespace": namespace, "number": tally.number, "newest": newest, "limit": _BATCH}
            rows = self.journal.select("rows between", **key)
            for row in rows:
                event: Any = event_json(row)
                tally.add(event, row["number"], rows_of)
                if pause is not None:
                    pause()
            if len(rows) < _BATCH:
                tally.number = newest
