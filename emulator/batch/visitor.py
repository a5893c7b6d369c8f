"""One visitor of an event batch → its decisions and conversions, however its decisions are marked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from optilocal.emulator.batch import fields
from optilocal.emulator.batch.fields import NESTED_TAG, Findings
from optilocal.emulator.batch.revenue import lost_in_tags
from optilocal.emulator.batch.row import EventRow, Kind, Note, note
from optilocal.emulator.wording import joined, quoted

ACTIVATION = "campaign_activated"

# Besides these, Java's SDK sends the event's key as its type, see EventFactory.java in
# https://github.com/optimizely/java-sdk/tree/master/core-api/src/main/java/com/optimizely/ab/event/internal
KNOWN_TYPES = frozenset({ACTIVATION, "other", "view_activated", "client_activation", "custom"})
# With these the Web snippet and old SDKs report that a client started or a view opened.
# A page of the Web snippet is a metric of its own and has the type view_activated beside its own key.
_START_TYPE = "client_activation"
_START_KEYS = frozenset({"client_activation", "view_activated"})

_Placed = list[tuple[str, dict[str, Any]]]


class Sender(NamedTuple):
    """What the head of a batch says about everything in it. `received_at` is epoch milliseconds."""

    account_id: str | None
    client_name: str | None
    enriched: bool
    user_agent: str | None
    sent_to: str | None
    received_at: int
    problems: tuple[Note, ...]
    warnings: tuple[Note, ...] = ()


def read_visitor(visitor: dict[str, Any], path: str, sender: Sender, findings: Findings) -> list[EventRow]:
    """The visitor's rows in the order they occur; what is malformed is kept, with its problems."""
    return _VisitorReader(visitor, path, sender, findings).rows


class _VisitorReader:
    def __init__(self, visitor: dict[str, Any], path: str, sender: Sender, findings: Findings) -> None:
        self.sender, self.findings = sender, findings
        self.rows: list[EventRow] = []
        self.problems, self.warnings = list(sender.problems), list(sender.warnings)
        breaches = len(findings.violations)
        self.visitor_id = fields.required_text(visitor, "visitor_id", path, findings, self.problems)
        if visitor.get("session_id") is not None:
            fields.optional_text(visitor, "session_id", path, findings)
        self.attributes = fields.attributes(visitor, path, findings)
        self.warnings += besides(self.problems, findings.violations[breaches:])
        agent = fields.attribute(self.attributes, "$opt_user_agent")
        if agent is None and sender.client_name in fields.BROWSER_CLIENTS:
            agent = sender.user_agent
        self.bot = fields.looks_like_bot(agent)
        for where, snapshot in fields.items(visitor, "snapshots", path, findings, required=True):
            self._snapshot(snapshot, where)

    def _snapshot(self, snapshot: dict[str, Any], path: str) -> None:
        breaches = len(self.findings.violations)
        decisions = fields.items(snapshot, "decisions", path, self.findings, required=False)
        unreadable = self.findings.violations[breaches:]
        claimed: set[str] = set()
        conversions: list[EventRow] = []
        activated = False
        for where, event in fields.items(snapshot, "events", path, self.findings, required=True):
            own = _own_decisions(event, decisions) if _reports_a_start(event) else []
            if own:
                self._activate(self._event(event, where), where, own, claimed)
            elif _reports_a_start(event):
                message = f"{where} reports that a client started or a view opened; it is not a conversion"
                self.findings.warning("not_a_conversion", where, message)
            elif _is_activation(event):
                activated = True
                self._activate(self._event(event, where), where, decisions, claimed)
            else:
                conversions.append(self._conversion(event, where))
        unclaimed = [(where, decision) for where, decision in decisions if where not in claimed]
        if conversions and not activated and not self.sender.enriched:
            self._accompany(conversions, path, unclaimed)
        else:
            self._ignore(conversions, unclaimed)
        for row in conversions:
            row["warnings"] += unreadable
        self.rows += conversions

    def _ignore(self, conversions: list[EventRow], decisions: _Placed) -> None:
        """Decisions without an event of their own record nothing; conversions beside them get a warning."""
        why = ", because enrich_decisions is true" if self.sender.enriched else ""
        for where, decision in decisions:
            message = f"{where} has no campaign_activated event of its own; it records nothing"
            self.findings.warning("decision_without_activation", where, message)
            ids = [decision.get(key) for key in ("experiment_id", "variation_id")]
            experiment, variation = (quoted(value) if value else "none" for value in ids)
            message = (
                f"the decision in the same snapshot, for experiment {experiment} and variation {variation}, is "
                f"ignored{why}: it has no campaign_activated event of its own"
            )
            for row in conversions:
                row["warnings"].append(note("decision_ignored", message))

    def _event(self, event: dict[str, Any], path: str) -> EventRow:
        """A conversion, or what a decision shares with one."""
        findings, problems = self.findings, list(self.problems)
        if _is_compact(event):
            message = f"{path} is in the Web snippet's compact form, which is kept but not counted"
            problems.append(findings.violation("compact_form", path, message))
            short = {"entity_id": "e", "key": "k", "uuid": "u", "timestamp": "t"}
            event = {name: event[letter] for name, letter in short.items() if letter in event}
            findings = Findings()
        breaches = len(findings.violations)
        if event.get("type") is not None:
            fields.optional_text(event, "type", path, findings)
        null_entity = "entity_id" in event and event["entity_id"] is None
        row: EventRow = {
            "kind": "conversion",
            "visitor_id": self.visitor_id,
            "account_id": self.sender.account_id,
            "uuid": fields.required_text(event, "uuid", path, findings, problems),
            "key": fields.optional_text(event, "key", path, findings),
            "entity_id": None if null_entity else fields.optional_id(event, "entity_id", path, findings),
            "timestamp": fields.timestamp(event, path, self.sender.received_at, findings, problems),
            "revenue": fields.integer(event, "revenue", path, findings),
            "value": fields.number(event, "value", path, findings),
            "quantity": fields.integer(event, "quantity", path, findings),
            "tags": fields.tags(event, path, findings),
            "attributes": self.attributes,
            "experiment_id": None,
            "variation_id": None,
            "campaign_id": None,
            "holdback": False,
            "rule_type": None,
            "flag_key": None,
            "rule_key": None,
            "variation_key": None,
            "cmab_uuid": None,
            "client_name": self.sender.client_name,
            "sent_to": self.sender.sent_to,
            "user_agent_bot": self.bot,
            "received_at": self.sender.received_at,
            "problems": problems,
            "warnings": list(self.warnings),
        }
        row["warnings"] += _counts_without(besides(problems, findings.violations[breaches:]), path)
        return row

    def _conversion(self, event: dict[str, Any], path: str) -> EventRow:
        row, kind = self._event(event, path), event.get("type")
        if isinstance(kind, str) and kind not in KNOWN_TYPES and kind != event.get("key"):
            message = f"{kind!r} is not a known type of event"
            row["warnings"].append(self.findings.warning("unknown_type", f"{path}.type", message))
        row["warnings"] += lost_in_tags(event, row, path, self.findings)
        if not row["key"] and not row["entity_id"]:
            message = f"{path} has neither entity_id nor key: it names no event"
            row["problems"].append(self.findings.violation("no_event", path, message))
        elif not row["key"]:
            # The backend then uses the entity_id as the name,
            # https://docs.developers.optimizely.com/experimentation-data/docs/enriched-events-data-specification
            row["key"] = row["entity_id"]
        return row

    def _activate(self, row: EventRow, path: str, decisions: _Placed, claimed: set[str]) -> None:
        """The decision rows that one campaign_activated event stands for."""
        own = [(where, d) for where, d in decisions if _same_id(d.get("campaign_id"), row["entity_id"])]
        mismatch = None
        if not own and row["entity_id"] is None and len(decisions) == 1:
            message = f"{path} has no entity_id; it should be the decision's campaign_id"
            row["warnings"].append(self.findings.warning("missing_entity_id", path, message))
            own = decisions
        elif not own:
            mismatch = self._mismatch(row, path, decisions)
            own = [(where, decision) for where, decision in decisions if where not in claimed]
        claimed.update(where for where, _ in own)
        decision_rows = [self._decision(row, where, decision) for where, decision in own]
        for decision_row in decision_rows or [_as_kind(row, "decision")]:
            if mismatch is not None:
                decision_row["problems"].append(mismatch)
            self.rows.append(decision_row)

    def _mismatch(self, row: EventRow, path: str, decisions: _Placed) -> Note:
        if not decisions:
            message = f"{path} is a campaign_activated event, but its snapshot has no decision"
            return self.findings.violation("no_decision", path, message)
        campaigns = ", ".join(repr(decision.get("campaign_id")) for _, decision in decisions)
        message = f"{path}.entity_id {row['entity_id']!r} is not the decision's campaign_id ({campaigns})"
        return self.findings.violation("entity_id_mismatch", f"{path}.entity_id", message)

    def _decision(self, row: EventRow, path: str, decision: dict[str, Any]) -> EventRow:
        decision_row, findings = _as_kind(row, "decision"), self.findings
        breaches = len(findings.violations)
        decision_row["campaign_id"] = self._decision_id(
            decision, "campaign_id", path, decision_row["problems"]
        )
        decision_row["experiment_id"] = self._decision_id(
            decision, "experiment_id", path, decision_row["problems"]
        )
        decision_row["variation_id"] = self._decision_id(
            decision, "variation_id", path, decision_row["problems"]
        )
        decision_row["holdback"] = (
            fields.optional_boolean(decision, "is_campaign_holdback", path, findings) is True
        )
        metadata, where = decision.get("metadata", {}), f"{path}.metadata"
        if not isinstance(metadata, dict):
            message = f"{where} must be an object, it is {fields.type_name(metadata)}"
            findings.violation("wrong_type", where, message)
            metadata = {}
        decision_row["rule_type"] = fields.optional_text(metadata, "rule_type", where, findings)
        decision_row["flag_key"] = fields.optional_text(metadata, "flag_key", where, findings)
        decision_row["rule_key"] = fields.optional_text(metadata, "rule_key", where, findings)
        decision_row["variation_key"] = fields.optional_text(metadata, "variation_key", where, findings)
        decision_row["cmab_uuid"] = fields.optional_text(metadata, "cmab_uuid", where, findings)
        decision_row["warnings"] += besides(decision_row["problems"], findings.violations[breaches:])
        return decision_row

    def _decision_id(self, decision: dict[str, Any], key: str, path: str, problems: list[Note]) -> str | None:
        """An id as SDKs send it: empty and null are allowed, naming nothing (docs/optimizely.md, "Event API")."""
        value = decision.get(key)
        if key in decision and (value is None or value == ""):
            return value
        return fields.required_id(decision, key, path, self.findings, problems)

    def _accompany(self, conversions: list[EventRow], path: str, decisions: _Placed) -> None:
        """Without enrich_decisions the decisions travel with each conversion instead of before it."""
        if not decisions:
            message = f"{path}: enrich_decisions is not true and no decision accompanies the conversion"
            warned = self.findings.warning("not_enriched", path, message)
            for row in conversions:
                row["warnings"].append(warned)
        first = min(conversions, key=lambda row: (row["timestamp"] is None, row["timestamp"] or 0))
        for where, decision in decisions:
            decision_row = self._decision(first, where, decision)
            decision_row["uuid"] = decision_row["key"] = decision_row["entity_id"] = None
            decision_row["revenue"] = decision_row["value"] = decision_row["quantity"] = None
            decision_row["tags"], decision_row["warnings"] = {}, []
            self.rows.append(decision_row)


def _is_activation(event: Mapping[str, Any]) -> bool:
    """Decisions are marked by type in the documentation and by key in the SDKs (docs/optimizely.md, "Event API")."""
    marks = [event.get("type"), event.get("key")]
    return ACTIVATION in [*marks, event.get("y")] if _is_compact(event) else ACTIVATION in marks


def _reports_a_start(event: Mapping[str, Any]) -> bool:
    return event.get("type") == _START_TYPE or event.get("key") in _START_KEYS


def _own_decisions(event: Mapping[str, Any], decisions: _Placed) -> _Placed:
    """The decisions that an event names by its entity_id."""
    entity_id = event.get("entity_id")
    return [(where, d) for where, d in decisions if entity_id and d.get("campaign_id") == entity_id]


def besides(problems: list[Note], violations: list[Note]) -> list[Note]:
    """The violations that are not problems: the event counts in spite of them."""
    return violations and [
        violation for violation in violations if not any(violation is problem for problem in problems)
    ]


# Fields without which an event counts all the same, by the code of what is wrong with them.
_LEFT_OUT = frozenset({"revenue_not_integer", "quantity_not_integer"})


def _counts_without(violations: list[Note], path: str) -> list[Note]:
    """The violations of one event in words; nested tags share one note, since together they may lose the event."""
    if not violations:
        return []
    notes = [
        note(item["code"], f"{item['message']}; the event counts without it")
        if item["code"] in _LEFT_OUT or item.get("path") == f"{path}.value"
        else item
        for item in violations
        if item["code"] != NESTED_TAG
    ]
    nested = [item for item in violations if item["code"] == NESTED_TAG]
    if nested:
        names = joined([item.get("path", "").removeprefix(f"{path}.") for item in nested])
        be = "is an array or object" if len(nested) == 1 else "are arrays or objects"
        notes.append(
            note(
                NESTED_TAG,
                f"{names} {be}; Optimizely takes texts, numbers and booleans and may drop the whole event",
            )
        )
    return notes


def _is_compact(event: Mapping[str, Any]) -> bool:
    return "uuid" not in event and "timestamp" not in event and any(key in event for key in ("u", "y", "t"))


def _same_id(left: object, right: object) -> bool:
    return left == right or str(left) == str(right) or (left in (None, "") and right in (None, ""))


def _as_kind(row: EventRow, kind: Kind) -> EventRow:
    copy = row.copy()
    copy["kind"] = kind
    copy["problems"] = list(row["problems"])
    copy["warnings"] = list(row["warnings"])
    return copy
