"""The journal's rows brought before the judge: the whole verdict of a row, or its outcome alone."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from optilocal import __version__
from optilocal.emulator.batch.parse import parse
from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.attribution import Attribution
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.forced import Forced
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.nearest import fold
from optilocal.emulator.datafile.store import REVISION
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.limits import SLICE
from optilocal.emulator.journal.records import Judged
from optilocal.emulator.journal.store import Row
from optilocal.emulator.json_text import dumps, loads, storable
from optilocal.emulator.verdict.case import Relatives
from optilocal.emulator.verdict.verdict import outcome_alone, related_visitors, verdict
from optilocal.emulator.wording import quoted


def event_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored event as the listings show it. Raises ValueError for a damaged one."""
    shown: dict[str, Any] | None = _shown(row)
    if shown is None:
        raise ValueError("no event")
    return shown


def _shown(row: Mapping[str, Any]) -> Any:
    """A stored event as the listings show it, None for a damaged one."""
    doc = stored_event(row["doc"])
    if doc is None:
        return None
    return {
        "number": row["number"],
        "namespace": row["namespace"],
        **doc,
        "exchange": row["exchange"],
        "duplicate_of": row["duplicate_of"],
    }


def stored_event(text: str) -> EventRow | None:
    """A stored event as it was read from its batch; None when what is stored is damaged."""
    try:
        doc: EventRow = loads(text)
    except ValueError:
        return None
    return doc if isinstance(doc, dict) and doc.keys() >= EventRow.__required_keys__ else None


def judged(outcome: str | None, places: Sequence[Attribution], version: int = 0) -> Judged:
    """An outcome as the journal keeps it."""
    credited = {name for place in places for name in (place["experiment"], place["experiment_id"])}
    return Judged(outcome, dumps(sorted(credited)) if credited else "[]", version)


_RULES = "rules"


class Verdicts:
    """Verdicts over one journal, by one set of rules."""

    def __init__(self, journal: Journal, rules: Rules) -> None:
        self.journal, self.rules = journal, rules
        self._lock = threading.Lock()
        self._histories: OrderedDict[str, tuple[object, DatafileHistory]] = OrderedDict()

    def judge_by_these_rules(self) -> None:
        """What was judged by other rules, or by another version, is judged anew."""
        mine = {"version": __version__, "rules": repr(self.rules)}
        if self.journal.document(_RULES, "") != mine:
            for row in self.journal.namespaces():
                self.journal.transact(row["name"], lambda _: None, restates=True)
            self.journal.change_document(_RULES, "", lambda _: mine)

    def history(self, namespace: str) -> DatafileHistory:
        """Every revision of the namespace's datafiles, with the time from which it held."""
        state = self.journal.documents_state(REVISION, namespace)
        with self._lock:
            kept = self._histories.get(namespace)
        if kept is None or kept[0] != state:
            revisions: dict[str, list[tuple[int, object]]] = {}
            for _, _, doc in self.journal.documents(REVISION, namespace):
                if isinstance(doc, dict) and doc.keys() >= {"of", "from", "datafile"}:
                    revisions.setdefault(doc["of"], []).append((doc["from"], doc["datafile"]))
            kept = (state, DatafileHistory(revisions))
            with self._lock:
                self._histories[namespace] = kept
                while len(self._histories) > SLICE:
                    self._histories.popitem(last=False)
        return kept[1]

    def experiment_names(self, namespace: str | None, name: str) -> str:
        """A JSON list of the name and of every experiment id that it means: what the filter `experiment` takes."""
        names = {name}
        for space, _, doc in self.journal.documents(REVISION, namespace):
            experiment = self.history(space).of_key(doc["of"], doc["from"])
            known = experiment.experiment_by_key(name) if experiment else None
            if known:
                names.add(known.id)
        return dumps(sorted(names))

    def outcomes_of(self, rows: Sequence[Row]) -> Callable[[Row], Judged]:
        """What gives the outcome of each of these rows, which have a `version`."""
        return partial(self._outcome, Evidence(self, rows))

    def verdicts_of(self, rows: Sequence[Row]) -> Callable[[Row], dict[str, Any]]:
        """What gives the whole verdict of each of these rows of the listing, with its number and namespace."""
        return partial(self._verdict, Evidence(self, rows))

    def verdict(self, row: Row) -> dict[str, Any]:
        """The whole verdict of one row."""
        return self.verdicts_of([row])(row)

    def _outcome(self, evidence: "Evidence", row: Row) -> Judged:
        conversion = evidence.event(row["event"])
        if conversion is not None and conversion["duplicate_of"] is None:
            decisions = evidence.decisions(row["namespace"], conversion["visitor_id"])
            standings = Standings(decisions, evidence.history(row["namespace"]), self.rules)
            pair = outcome_alone(evidence.delivery(row), conversion, standings)
            if pair is not None:
                return judged(pair[0], pair[1].attributed_to, row["version"])
        whole = self._verdict(evidence, row)
        return judged(whole["outcome"], whole["attributed_to"], row["version"])

    def _verdict(self, evidence: "Evidence", row: Row) -> dict[str, Any]:
        namespace = row["namespace"]
        delivery, conversion = evidence.delivery(row), evidence.event(row["event"])
        duplicate = evidence.event(conversion["duplicate_of"]) if conversion else None
        visitor = evidence.visitor(row)
        whole = verdict(
            delivery,
            conversion,
            decisions=evidence.decisions(namespace, visitor),
            history=evidence.history(namespace),
            rules=self.rules,
            duplicate_of=duplicate,
            # Without an owner the first one came from an SDK.
            uuid_taken_by_other_delivery=duplicate is not None
            and row["number"] not in evidence.owners(duplicate["number"]),
            relatives=evidence.relatives(row),
        )
        whole["warnings"] = [
            *whole["warnings"],
            *_forced_notes(
                evidence.forced(namespace),
                visitor,
                evidence.decisions(namespace, visitor),
                whole["attributed_to"],
            ),
        ]
        if evidence.is_incomplete(namespace):
            whole["warnings"] = [
                *whole["warnings"],
                {
                    "code": "journal_dropped",
                    "message": "The journal is full and has dropped older events of this namespace;"
                    " an earlier decision of this visitor may be among them.",
                },
            ]
        return {"number": row["number"], "namespace": namespace, **whole}

    def foreseen(self, namespace: str, report: Mapping[str, Any], history: DatafileHistory) -> dict[str, Any]:
        """The verdict on a delivery that was not made: as if Optimizely had received what its requests would carry."""
        sent = [request["json"] for request in report["requests"] if request.get("to") == "events"]
        read = (
            parse(dumps(sent[-1]).encode(), headers={}, received_at=report["received_at"]).rows
            if sent
            else []
        )
        conversion = next((row for row in read if row["kind"] == "conversion"), None)
        visitor = conversion["visitor_id"] if conversion else report.get("visitor_id")
        named = related_visitors(report, conversion)
        found = verdict(
            report,
            conversion,
            decisions=_Decisions(self.journal, [(namespace, visitor)]).of(namespace, visitor),
            history=history,
            rules=self.rules,
            relatives=_relatives(self.journal, [(namespace, visitor, named)])[0],
        )
        return {"number": None, "namespace": namespace, **found}


class Evidence:
    """What the verdicts of some rows are told from, read with as many questions for all of them as for one."""

    def __init__(self, verdicts: Verdicts, rows: Sequence[Row]) -> None:
        self._verdicts, self._journal, self._rows = verdicts, verdicts.journal, rows
        events = {row["event"] for row in rows} - {None}
        self._events = {
            row["number"]: shown for row in self._journal.events(events) if (shown := _shown(row))
        }
        self._deliveries: dict[int, Any] = {}
        self._histories: dict[str, DatafileHistory] = {}
        self._spaces: dict[str, tuple[Forced, bool]] = {}

    def event(self, number: int | None) -> Any:
        """The event of a row, or the first one that this is a duplicate of."""
        return None if number is None else self._events.get(number)

    def delivery(self, row: Row) -> Any:
        """A row's report. Raises ValueError for a damaged one."""
        number = row["number"]
        if number not in self._deliveries:
            self._deliveries[number] = loads(row["delivery"]) if row["delivery"] else None
        return self._deliveries[number]

    def visitor(self, row: Row) -> str | None:
        """Whose decisions a row is judged by."""
        conversion = self.event(row["event"])
        visitor: str | None = conversion["visitor_id"] if conversion else row["visitor_id"]
        return visitor

    def decisions(self, namespace: str, visitor: str | None) -> list[EventRow]:
        """All decisions of a row's visitor, replays collapsed."""
        return self._decisions.of(namespace, visitor)

    @cached_property
    def _decisions(self) -> "_Decisions":
        return _Decisions(self._journal, [(row["namespace"], self.visitor(row)) for row in self._rows])

    def owners(self, event: int) -> set[int]:
        """The numbers of the verdicts of reports that have the first of some duplicates for their own."""
        return self._owners.get(event, set())

    @cached_property
    def _owners(self) -> dict[int, set[int]]:
        firsts = {event["duplicate_of"] for event in self._events.values()} - {None}
        found: dict[int, set[int]] = {}
        for row in self._journal.owners(firsts):
            found.setdefault(row["event"], set()).add(row["number"])
        return found

    def relatives(self, row: Row) -> Relatives:
        """The decisions of visitors that may be the same person as a row's, by id."""
        return self._relatives[row["number"]]

    @cached_property
    def _relatives(self) -> dict[int, Relatives]:
        people = [(row["namespace"], self.visitor(row), self._named(row)) for row in self._rows]
        found = _relatives(self._journal, people)
        return {row["number"]: each for row, each in zip(self._rows, found, strict=True)}

    def _named(self, row: Row) -> Sequence[str]:
        try:
            return related_visitors(self.delivery(row), self.event(row["event"]))
        except (ValueError, AttributeError):
            # A damaged report: whoever asks for the verdict is told.
            return ()

    def history(self, namespace: str) -> DatafileHistory:
        """Every revision of the namespace's datafiles."""
        if namespace not in self._histories:
            self._histories[namespace] = self._verdicts.history(namespace)
        return self._histories[namespace]

    def forced(self, namespace: str) -> Forced:
        """The variations that were ever forced there."""
        return self._space(namespace)[0]

    def is_incomplete(self, namespace: str) -> bool:
        """Whether older events were dropped there."""
        return self._space(namespace)[1]

    def _space(self, namespace: str) -> tuple[Forced, bool]:
        if namespace not in self._spaces:
            dropped = self._journal.ends("events", namespace).dropped > 0
            self._spaces[namespace] = Forced(self._journal, namespace), dropped
        return self._spaces[namespace]


class _Decisions:
    """The decisions of some visitors `(namespace, id)`."""

    def __init__(self, journal: Journal, visitors: Iterable[tuple[str, str | None]]) -> None:
        keys = {(namespace, storable(visitor)) for namespace, visitor in visitors if visitor}
        self._rows: dict[tuple[str, str | None], list[EventRow]] = {}
        for row in journal.decisions_of(keys):
            if shown := _shown(row):
                self._rows.setdefault((row["namespace"], row["visitor_id"]), []).append(shown)

    def of(self, namespace: str, visitor: str | None) -> list[EventRow]:
        """Those of one of them, oldest first; nobody has none."""
        return self._rows.get((namespace, storable(visitor)), []) if visitor else []


def _relatives(journal: Journal, people: Sequence[tuple[str, str | None, Sequence[str]]]) -> list[Relatives]:
    """Of each visitor `(namespace, id, other ids that its event names)` those that may be the same person: visitor id →
    decisions.
    """
    folds = [(namespace, storable(fold(visitor)) if visitor else None) for namespace, visitor, _ in people]
    close: dict[tuple[str, str | None], list[str]] = {}
    for row in journal.close_visitors({key for key in folds if key[1]}):
        close.setdefault((row["namespace"], row["fold"]), []).append(row["visitor_id"])
    ids = [
        [id_ for id_ in dict.fromkeys((*named, *close.get(key, ()))) if id_ != visitor]
        for key, (_, visitor, named) in zip(folds, people, strict=True)
    ]
    decisions = _Decisions(
        journal, {(key[0], id_) for key, each in zip(folds, ids, strict=True) for id_ in each}
    )
    return [{id_: decisions.of(key[0], id_) for id_ in each} for key, each in zip(folds, ids, strict=True)]


def _forced_notes(
    forced: Forced,
    visitor: str | None,
    decisions: Sequence[EventRow],
    places: Sequence[Mapping[str, Any]],
) -> list[dict[str, str]]:
    """Which of the experiments that a conversion counts for show their variation because it was forced here."""
    notes = []
    for place in places if forced.ever else ():
        own = [row for row in decisions if row["experiment_id"] == place["experiment_id"]]
        rules = [forced.at(place["experiment_id"], visitor, row["received_at"]) for row in own]
        rule = next((rule for rule in rules if rule and rule["variation_id"] == place["variation_id"]), None)
        if rule:
            whom = "everybody" if rule["user"] is None else "this user"
            shown, of = quoted(place["variation"]), quoted(place["experiment"])
            message = f"The variation {shown} of {of} was forced here, for {whom}."
            notes.append({"code": "forced_here", "message": message})
    return notes
