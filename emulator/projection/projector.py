"""The one projector: exchanges, in the order of their commits, become events, verdicts and counts, each made once."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.attribution import judge_by
from optilocal.emulator.counting.results import Totals
from optilocal.emulator.datafile.nearest import fold
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.limits import LOOK_S, PATIENCE_S, SLICE
from optilocal.emulator.journal.records import Position, Step
from optilocal.emulator.journal.store import JournalError, Row
from optilocal.emulator.json_text import loads
from optilocal.emulator.projection.arrival import Arrival
from optilocal.emulator.projection.passing import past
from optilocal.emulator.projection.verdicts import Verdicts, event_json, judged, stored_event
from optilocal.emulator.projection.visitor import Standpoint, Visitor
from optilocal.emulator.verdict.verdict import outcome_alone
from optilocal.serving.clock import monotonic

Key = tuple[str, str]


class Projector:
    """Whoever asks calls `catch_up` first; after `start` a thread does the same as soon as anything comes.

    All that it remembers can be read from the journal, and is forgotten when anything else has changed that.
    """

    def __init__(self, journal: Journal, verdicts: Verdicts) -> None:
        self.journal, self.verdicts = journal, verdicts
        self.rules = verdicts.rules
        self._lock = threading.Lock()
        self._at: Position | None = None
        self._through: Position | None = None
        self._totals: dict[str, Totals] = {}
        self._undecided: dict[str, Standpoint] = {}
        self._too_many: dict[str, int] = {}
        self._slice = SLICE
        self._doing: Callable[[Position], Step | None] = self._project
        self._report: Callable[[str], None] = lambda _: None
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._burst: float | None = None
        verdicts.judge_by_these_rules()

    # -- the thread

    def start(self, report: Callable[[str], None]) -> None:
        """Work from now on; `report` is told, in one line, what keeps it from that."""
        self.journal.stand(self.wake)
        self._report = report
        self._thread = threading.Thread(target=self._run, args=(report,), name="projector", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        if not self._news.is_set():
            self._news.set()

    def stop(self) -> None:
        """Finish the step in hand and end; before the journal is closed."""
        self._stopping.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, report: Callable[[str], None]) -> None:
        reported = ""
        looked = 0.0
        while not self._stopping.is_set():
            self._news.clear()
            try:
                busy = True
                while busy and not self._stopping.is_set():
                    # A look waits for the disk, so it is not made after every step; but under load it is made too.
                    if monotonic() - looked >= LOOK_S:
                        if mended := self.journal.look():
                            report(mended)
                        looked = monotonic()
                    busy = self._work_and_give_way() if self.journal.leads() else self._look_on()
                reported = ""
            except Exception as error:
                # What is captured is safe: it is tried again, and whoever asks meanwhile is told.
                why = str(error) if isinstance(error, JournalError) else f"{type(error).__name__}: {error}"
                if why != reported:
                    report(f"captured events wait to be judged: {why}")
                reported = why
            if not self._stopping.is_set():
                self._news.wait(LOOK_S)
                # Whoever asks works on his own account; unasked, what comes close together is worked on together.
                if not self.journal.is_remote:
                    self._stopping.wait(LOOK_S / 100)

    def _work_and_give_way(self) -> bool:
        """One step. While more comes in than is worked out, the time before the next step belongs to capture: all of it
        for PATIENCE_S seconds, or until no more comes; from then on as much as the step took.
        """
        began, until = monotonic(), self.journal.last_exchange()
        busy = self._work(until)
        last = self.journal.last_exchange()
        # Over a database other emulators wait for what is projected here.
        if self.journal.is_remote or last <= until or self.lag(last) < SLICE:
            self._burst = None
            return busy
        if self._burst is None:
            self._burst = began
        if began - self._burst > PATIENCE_S:
            self._stopping.wait(monotonic() - began)
        while monotonic() - self._burst <= PATIENCE_S and not self._stopping.wait(LOOK_S / 100):
            before, last = last, self.journal.last_exchange()
            if last == before:
                break
        return busy

    def _look_on(self) -> bool:
        """Another process projects: nothing is remembered here, but how far it is."""
        with self._lock:
            self._forget()
            self._at = self.journal.position()
        return False

    # -- what is asked

    def catch_up(self) -> None:
        """Return when all that was captured before is projected, judged and counted. Raises JournalError."""
        until = self._missing()
        while until is not None and not self.journal.projected_elsewhere(until) and self._work(until):
            pass

    def _missing(self) -> int | None:
        """The last exchange, None when one look at the journal tells that nothing is to be done for it."""
        with self._lock:
            at, last, waits = self.journal.standing()
            # What was written here is bounded here: rows that are too many go before anybody reads them.
            done = at == self._through or not self.journal.leads()
            return None if at.exchange >= last and done and not waits else last

    def lag(self, exchange: int) -> int:
        """How many exchanges up to the one given wait to be projected, as far as is known here."""
        at = self._at
        return exchange - at.exchange if at else 0

    def totals(self, namespace: str) -> Totals:
        """The counts of all that was captured before."""
        self.catch_up()
        return Totals(self.journal.totals(namespace))

    def results(self, namespace: str) -> dict[str, Any]:
        """`GET /_emulator/results`."""
        return self.totals(namespace).results(self.verdicts.history(namespace))

    # -- one step

    def _work(self, until: int) -> bool:
        """One step of each kind, of new exchanges only up to the one given; whether there may be more to do."""
        with self._lock:
            at = self.journal.position()
            if at != self._at:
                self._forget()
                self._at = at
            more = False
            try:
                for work in (self._project, self._judge, self._settle, self._drop):
                    if self._at is None or (work == self._project and self._at.exchange >= until):
                        continue
                    self._doing = work
                    step = work(self._at)
                    if step is not None:
                        self._commit(step)
                        # What new exchanges bring with them is looked for right after them.
                        more |= work != self._project or self._at is None or self._at.exchange < until
            except BaseException as error:
                self._forget()
                if isinstance(error, JournalError) or not isinstance(error, Exception):
                    raise
                self._pass_over(at, error)
                return True
            if not more:
                self._slice, self._through = SLICE, self._at
            return more

    def _pass_over(self, at: Position, error: Exception) -> None:
        """What cannot be worked on is found by working on one row at a time, passed over and said; the rest goes on."""
        if self._slice > 1:
            self._slice = 1
            return
        self._slice = SLICE
        found = past(self.journal, at, self._doing.__name__.removeprefix("_"))
        if found is not None and self.journal.project(found[0]):
            why = f"{type(error).__name__}: {error}"
            self._report(f"{found[1]} cannot be worked out and is passed over: {why}")

    def _commit(self, step: Step) -> None:
        """Write a step; when another projector, a reset or an erasure was faster, all is read anew."""
        step.totals = {
            space: self._totals[space].as_text() for space in step.namespaces if space in self._totals
        }
        if not self.journal.project(step):
            self._forget()
            return
        self._at = step.since._replace(exchange=step.exchange, event=step.event)

    def _forget(self) -> None:
        self._at = None
        self._totals.clear()
        self._undecided.clear()
        self._too_many.clear()

    def _project(self, at: Position) -> Step | None:
        """New exchanges become events; a conversion is judged and counted at once, by what its visitor did before."""
        pending = self.journal.pending(at.exchange, self._slice)
        if not pending:
            return None
        self._doing = self._judge
        reports = self._judge(at)
        if reports is not None:
            # A report that came before an exchange finds its conversion before it.
            return reports
        self._doing = self._project
        arrival = Arrival(self.journal, self.rules, Step(at, pending[-1].number, at.event), pending)
        visitors = self._known(arrival.visitors)
        for row, event in arrival.events():
            key = (event.namespace, event.visitor_id or "")
            visitor = visitors.get(key)
            if event.duplicate_of is not None:
                arrival.add_duplicate(event, row)
            elif event.kind == "decision":
                if visitor is not None and not visitor.decide(event.number, row, self._of(event.namespace)):
                    self._leave(key, visitors, arrival.step)
            elif visitor is None and event.visitor_id:
                # The visitor is to be judged anew, and this conversion with it.
                if not arrival.finds_report(event):
                    arrival.add_verdict(event, None)
            else:
                stands = visitor.standings if visitor else self._without_decision(event.namespace).experiments
                judgement = judge_by(row, stands)
                if visitor is not None:
                    visitor.convert(judgement, row, self._of(event.namespace))
                if not arrival.finds_report(event):
                    arrival.add_verdict(event, judged(judgement.outcome, judgement.attributed_to))
        self._keep(visitors, arrival.step)
        return arrival.step

    def _leave(self, key: Key, visitors: dict[Key, Visitor], step: Step) -> None:
        """A visitor is to be judged and counted anew, and counts nowhere until that is done."""
        visitors.pop(key).leave(self._of(key[0]))
        step.visitors[*key, fold(key[1])] = None

    def _known(self, keys: Collection[Key]) -> dict[Key, Visitor]:
        """The visitors as they stand, new ones too, without those that are to be judged anew."""
        known: dict[Key, str | None] = {}
        decisions: dict[Key, dict[int, EventRow]] = {}
        for row in self.journal.known_visitors([(*key, fold(key[1])) for key in keys]):
            key = row["namespace"], row["visitor_id"]
            known[key] = row["known"]
            if row["doc"] and (decision := stored_event(row["doc"])):
                decisions.setdefault(key, {})[row["number"]] = decision
        return {
            key: Visitor(self._without_decision(key[0]), known.get(key), decisions.get(key))
            for key in keys
            if key not in known or known[key] is not None
        }

    def _keep(self, visitors: Mapping[Key, Visitor], step: Step) -> None:
        """Write down what is news of these visitors."""
        for key, visitor in visitors.items():
            text = visitor.as_text()
            if text != visitor.known:
                step.visitors[*key, fold(key[1])] = text

    def _judge(self, at: Position) -> Step | None:
        """Reports find their conversions, and verdicts that something else has changed are judged anew."""
        rows = self.journal.unjudged(self._slice)
        if not rows:
            return None
        step = Step(at, at.exchange, at.event)
        linked: set[int] = set()
        outcome = self.verdicts.outcomes_of(rows)
        for row in rows:
            step.namespaces.setdefault(row["namespace"], 0)
            if row["event"] is None and row["sent"] and row["uuid"]:
                like = {name: row[name] for name in ("visitor_id", "event_key", "timestamp")}
                event = self.journal.free_conversion(row["namespace"], row["uuid"], like)
                if event in linked:
                    # One after the other: which conversions are free shows when this step is written.
                    continue
                if event is not None:
                    linked.add(event)
                    step.links.append((row["number"], event))
                    continue
            step.judged[row["number"]] = outcome(row)
        return step

    def _settle(self, at: Position) -> Step | None:
        """Visitors to be judged anew are: outcomes that differ are stored, and what they add is counted."""
        stale = self.journal.stale_visitors(self._slice)
        if not stale:
            return None
        step = Step(at, at.exchange, at.event)
        visitors: dict[Key, Visitor] = {}
        for namespace, visitor_id, _ in stale:
            step.namespaces[namespace] = 0
            visitors[namespace, visitor_id] = Visitor(self._without_decision(namespace))
        rows = self.journal.events_of(visitors)
        for key, own in groupby(rows, key=lambda row: (row["namespace"], row["visitor_id"])):
            self._settle_one(visitors[key], list(own), self._of(key[0]), step)
        self._keep(visitors, step)
        return step

    @staticmethod
    def _settle_one(visitor: Visitor, rows: Sequence[Row], totals: Totals, step: Step) -> None:
        """Judge and count a visitor by all its stored events."""
        docs = [(row, stored_event(row["doc"]) if row["duplicate_of"] is None else None) for row in rows]
        visitor.load({row["number"]: doc for row, doc in docs if doc and doc["kind"] == "decision"}, totals)
        for row, doc in docs:
            if row["kind"] == "decision":
                continue
            pair = None
            if doc is not None:
                delivery = loads(row["delivery"]) if row["delivery"] else None
                pair = outcome_alone(delivery, doc, visitor.standings)
                judgement = pair[1] if pair else judge_by(doc, visitor.standings)
                visitor.convert(judgement, doc, totals)
            if row["verdict"] is None:
                continue
            if pair is None:
                step.unjudged.add(row["verdict"])
                continue
            new = judged(pair[0], pair[1].attributed_to, row["version"])
            if (row["judged"], row["outcome"], row["attributed"]) != (1, new.outcome, new.attributed):
                step.judged[row["verdict"]] = new

    def _drop(self, at: Position) -> Step | None:
        """The oldest rows go where there are too many; what they counted is taken out."""
        self._too_many = self._too_many or self.journal.excess()
        if not self._too_many:
            return None
        step = Step(at, at.exchange, at.event)
        cutoff = self._too_many.pop("events", None)
        if cutoff is None:
            # An exchange is not dropped before it is projected.
            waits = {name: n for name, n in self._too_many.items() if name == "exchanges" and n > at.exchange}
            step.dropped = {name: n for name, n in self._too_many.items() if name not in waits}
            self._too_many = waits
            return step if step.dropped else None
        rows = self.journal.oldest_events(cutoff, self._slice)
        if not rows:
            return step
        if rows[-1]["number"] < cutoff:
            self._too_many["events"] = cutoff
        step.dropped = {"events": rows[-1]["number"]}
        step.namespaces.update(dict.fromkeys((row["namespace"] for row in rows), 0))
        visitors = self._known({(row["namespace"], row["visitor_id"]) for row in rows if row["visitor_id"]})
        for row in rows:
            key = (row["namespace"], row["visitor_id"])
            visitor = visitors.get(key)
            if visitor is None or row["duplicate_of"] is not None:
                continue
            if row["kind"] == "decision":
                self._leave(key, visitors, step)
            else:
                visitor.forget(event_json(row), self._of(key[0]))  # type: ignore[arg-type]
        self._keep(visitors, step)
        return step

    def _of(self, namespace: str) -> Totals:
        if namespace not in self._totals:
            self._totals[namespace] = Totals(self.journal.totals(namespace))
        return self._totals[namespace]

    def _without_decision(self, namespace: str) -> Standpoint:
        if namespace not in self._undecided:
            self._undecided[namespace] = Standpoint([], self.verdicts.history(namespace), self.rules)
        return self._undecided[namespace]
