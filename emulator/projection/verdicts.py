"""The journal's rows brought before the judge: the whole verdict of a row, or its outcome alone."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
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
from optilocal.emulator.journal.interface import Journal, Row
from optilocal.emulator.journal.limits import SLICE
from optilocal.emulator.journal.records import Judged
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.verdict.verdict import outcome_alone, related_visitors, verdict
from optilocal.emulator.wording import quoted


def event_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored event as the listings show it. Raises ValueError for a damaged one."""
    doc = stored_event(row["doc"])
    if doc is None:
        raise ValueError("no event")
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

    def outcome(self, row: Row) -> Judged:
        """The outcome of one verdict's row, which has a `version`."""
        namespace, conversion = row["namespace"], self._event(row["event"])
        if conversion is not None and conversion["duplicate_of"] is None:
            delivery = loads(row["delivery"]) if row["delivery"] else None
            decisions = self._decisions(namespace, conversion["visitor_id"])
            pair = outcome_alone(
                delivery, conversion, Standings(decisions, self.history(namespace), self.rules)
            )
            if pair is not None:
                return judged(pair[0], pair[1].attributed_to, row["version"])
        whole = self.verdict(row)
        return judged(whole["outcome"], whole["attributed_to"], row["version"])

    def verdict(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The verdict of one row of the listing, with its number and namespace."""
        namespace = row["namespace"]
        delivery = loads(row["delivery"]) if row["delivery"] else None
        conversion = self._event(row["event"])
        duplicate, taken_by_other = None, False
        if conversion is not None and conversion["duplicate_of"] is not None:
            duplicate = self._event(conversion["duplicate_of"])
            # Without an owner the first one came from an SDK.
            owners = self.journal.owners(conversion["duplicate_of"])
            taken_by_other = duplicate is not None and row["number"] not in owners
        visitor = conversion["visitor_id"] if conversion else row["visitor_id"]
        whole = verdict(
            delivery,
            conversion,
            decisions=self._decisions(namespace, visitor),
            history=self.history(namespace),
            rules=self.rules,
            duplicate_of=duplicate,
            uuid_taken_by_other_delivery=taken_by_other,
            relatives=self._relatives(namespace, visitor, related_visitors(delivery, conversion)),
        )
        whole["warnings"] = [
            *whole["warnings"],
            *self._forced_notes(namespace, visitor, whole["attributed_to"]),
        ]
        if self.journal.dropped("events", namespace):
            whole["warnings"] = [
                *whole["warnings"],
                {
                    "code": "journal_dropped",
                    "message": "The journal is full and has dropped older events of this namespace;"
                    " an earlier decision of this visitor may be among them.",
                },
            ]
        return {"number": row["number"], "namespace": namespace, **whole}

    def _forced_notes(
        self, namespace: str, visitor: str | None, places: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, str]]:
        """Which of the experiments that a conversion counts for show their variation because it was forced here."""
        forced = Forced(self.journal, namespace) if places else None
        if forced is None or not forced.ever:
            return []
        notes = []
        decisions = self._decisions(namespace, visitor)
        for place in places:
            own = [row for row in decisions if row["experiment_id"] == place["experiment_id"]]
            rules = [forced.at(place["experiment_id"], visitor, row["received_at"]) for row in own]
            rule = next(
                (rule for rule in rules if rule and rule["variation_id"] == place["variation_id"]), None
            )
            if rule:
                whom = "everybody" if rule["user"] is None else "this user"
                shown, of = quoted(place["variation"]), quoted(place["experiment"])
                message = f"The variation {shown} of {of} was forced here, for {whom}."
                notes.append({"code": "forced_here", "message": message})
        return notes

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
        found = verdict(
            report,
            conversion,
            decisions=self._decisions(namespace, visitor),
            history=history,
            rules=self.rules,
            relatives=self._relatives(namespace, visitor, related_visitors(report, conversion)),
        )
        return {"number": None, "namespace": namespace, **found}

    def _event(self, number: int | None) -> Any:
        row = None if number is None else self.journal.event(number)
        return event_json(row) if row and stored_event(row["doc"]) else None

    def _decisions(self, namespace: str, visitor: str | None) -> list[EventRow]:
        """All decisions of a visitor, replays collapsed."""
        if not visitor:
            return []
        rows = self.journal.decisions_of(namespace, visitor)
        return [event_json(row) for row in rows if stored_event(row["doc"])]  # type: ignore[misc]

    def _relatives(
        self, namespace: str, visitor: str | None, named: Sequence[str]
    ) -> dict[str, Sequence[EventRow]]:
        ids = dict.fromkeys(named)
        if visitor:
            ids |= dict.fromkeys(self.journal.close_visitors(namespace, fold(visitor)))
        return {id_: self._decisions(namespace, id_) for id_ in ids if id_ != visitor}
