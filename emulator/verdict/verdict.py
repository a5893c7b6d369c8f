"""One source event's delivery, its conversion and the visitor's decisions → a verdict: outcome, explanation,
remedy.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from optilocal.emulator.batch.row import EventRow, Note, event_time, note
from optilocal.emulator.counting.attribution import Judgement, judge, judge_by
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.verdict.advice import advised
from optilocal.emulator.verdict.case import Relatives, ResultsCase
from optilocal.emulator.verdict.deletion import deletion
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.verdict.ending import Ending, event_name
from optilocal.emulator.verdict.forwarder import ending, taken_uuid
from optilocal.emulator.verdict.results import results_ending, results_outcome
from optilocal.emulator.verdict.revenue_warnings import under_other_name
from optilocal.emulator.verdict.warnings import answer_lost, conversion_warnings, report_warnings
from optilocal.emulator.wording import quoted

CONDITIONS = ("event_key_matches", "experiment_running", "user_identified", "user_activated")

# A delivery that ended so never posted anything of its own; a recorded event with its uuid is somebody else's.
_NEVER_POSTED = frozenset(
    {"suppressed_user", "duplicate", "blocked_by_schema", "consent_refused", "filtered", "not_subscribed",
     "invalid_payload"}
)  # fmt: skip

Conditions = dict[str, bool | None]

DEFAULT_RULES = Rules()


def verdict(
    delivery: Mapping[str, Any] | None,
    conversion: EventRow | None,
    *,
    decisions: Sequence[EventRow],
    history: DatafileHistory,
    rules: Rules = DEFAULT_RULES,
    duplicate_of: EventRow | None = None,
    uuid_taken_by_other_delivery: bool = False,
    relatives: Relatives | None = None,
) -> dict[str, Any]:
    """The verdict in the shape of docs/shapes.md, but for `number` and `namespace`, which the journal assigns.

    At least one of `delivery` and `conversion` is given; raises ValueError when neither is.

    delivery: the forwarder's report, or None for what an SDK sent. Missing and odd fields are read as absent.
    conversion: the row this delivery made (of those with its uuid the one most like it), or None. A recorded row wins
        over a report of failure, except where the forwarder posted nothing.
    decisions: all decisions of the conversion's visitor (of `delivery["visitor_id"]` when there is no conversion), any
        order; replays do no harm.
    duplicate_of: the earlier received row with the same uuid and account, if there is one.
    uuid_taken_by_other_delivery: that earlier row came from another source event or from an SDK, so this is not a retry.
    relatives: visitor id → decisions, for the ids that `related_visitors` names and for visitor ids of the same `fold`
        (`optilocal.emulator.datafile.nearest.fold`); without the visitor itself.

    Conditions are None where the event ended before they were looked at. `user_activated` is None for
    no_experiment, as there is nothing to be activated in; for experiment_not_running it says whether the
    visitor had entered one of the event's experiments while that ran. `user_identified` is None for what an
    SDK sent.
    """
    report = None if delivery is None else DeliveryReport(delivery)
    if report is not None and (report.is_deletion or report.outcome in _NEVER_POSTED):
        conversion = duplicate_of = None
    judgement = None
    if report is not None and report.is_deletion:
        end, conditions = deletion(report, history), _conditions()
    elif duplicate_of is not None and (report is None or uuid_taken_by_other_delivery):
        end, conditions = _duplicate(report, conversion or duplicate_of, duplicate_of, history)
    elif conversion is not None:
        judgement = judge(conversion, decisions, history, rules)
        case = ResultsCase(report, conversion, decisions, relatives or {}, history, rules, judgement)
        end, conditions = results_ending(case), _results_conditions(report, judgement, history)
    elif report is not None:
        end = ending(report, history)
        known = {"unmatched_event_key": False, "delivery_failed": True}
        conditions = _conditions(event_key_matches=known.get(end.outcome))
    else:
        raise ValueError("a verdict needs a delivery or a conversion")
    warnings = _warnings(report, conversion, history, judgement, end)
    if end.outcome == "counted":
        end = advised(end, warnings)
    return {
        **_identity(report, conversion),
        "outcome": end.outcome or None,
        "explanation": end.explanation,
        "remedy": end.remedy,
        "conditions": conditions,
        "attributed_to": [dict(place) for place in judgement.attributed_to] if judgement else [],
        "nearest": [near.name for near in end.nearest],
        "details": list(end.details),
        "warnings": warnings,
        "delivery": None if delivery is None else dict(delivery),
        "event_number": conversion.get("number") if conversion else None,
    }


def outcome_alone(
    delivery: Mapping[str, Any] | None, conversion: EventRow, standings: Standings
) -> tuple[str, Judgement] | None:
    """The `outcome` of the verdict on a conversion that is not a duplicate, and its judgement, without the sentences.

    None where only the whole verdict tells.
    """
    report = None if delivery is None else DeliveryReport(delivery)
    if report is not None and (report.is_deletion or report.outcome in _NEVER_POSTED):
        return None
    judgement = judge_by(conversion, standings)
    if report is None:
        # Only a report tells that its visitor was not identified.
        return judgement.outcome, judgement
    case = ResultsCase(
        report, conversion, standings.decisions, {}, standings.history, standings.rules, judgement
    )
    return results_outcome(case), judgement


def delivered_uuid(delivery: Mapping[str, Any]) -> str | None:
    """The uuid of this delivery's conversion: how the two are matched."""
    return DeliveryReport(delivery).uuid


def related_visitors(delivery: Mapping[str, Any] | None, conversion: EventRow | None) -> tuple[str, ...]:
    """Other ids of the same person that the source event itself names: userId, anonymousId."""
    if delivery is None:
        return ()
    report = DeliveryReport(delivery)
    visitor = conversion["visitor_id"] if conversion else report.visitor_id
    source = report.source_event
    named = (report.user_id, delivery.get("anonymous_id"), source.get("userId"), source.get("anonymousId"))
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name and name != visitor))


def _identity(report: DeliveryReport | None, conversion: EventRow | None) -> dict[str, Any]:
    """Which event a verdict speaks of. What the source event says wins, for that is what its sender knows."""
    raw = report.raw if report else {}
    stamp = conversion["timestamp"] if conversion else report.received_at if report else None
    return {
        "kind": "deletion" if report and report.is_deletion else "event",
        "message_id": raw.get("message_id"),
        "event": raw.get("event") if report else conversion and conversion["key"],
        "event_key": conversion["key"] if conversion else raw.get("event_key"),
        "user_id": raw.get("user_id"),
        "anonymous_id": raw.get("anonymous_id"),
        "visitor_id": conversion["visitor_id"] if conversion else report and report.visitor_id,
        "uuid": conversion["uuid"] if conversion else report and report.uuid,
        "timestamp": stamp,
    }


def _duplicate(
    report: DeliveryReport | None, conversion: EventRow, first: EventRow, history: DatafileHistory
) -> tuple[Ending, Conditions]:
    event = history.find_event(conversion["entity_id"], conversion["key"], event_time(conversion))
    name = event_name(report) if report else quoted(conversion["key"])
    matches = True if report else event is not None
    return taken_uuid(name, conversion["uuid"], first["received_at"]), _conditions(event_key_matches=matches)


def _conditions(**known: bool | None) -> Conditions:
    return {name: known.get(name) for name in CONDITIONS}


def _results_conditions(
    report: DeliveryReport | None, judgement: Judgement, history: DatafileHistory
) -> Conditions:
    # Without a datafile, or under an account that has none, there is nothing to compare the event with.
    compared = history and judgement.outcome != "wrong_account"
    known = judgement.event is not None if compared else None
    return _conditions(
        event_key_matches=True if report else known,
        experiment_running=bool(judgement.running) if compared else None,
        user_identified=report.user_id is not None if report else None,
        user_activated=judgement.user_activated,
    )


def _warnings(
    report: DeliveryReport | None,
    conversion: EventRow | None,
    history: DatafileHistory,
    judgement: Judgement | None,
    end: Ending,
) -> list[Note]:
    at = event_time(conversion) if conversion else report.received_at if report else None
    if conversion is not None and conversion["account_id"]:
        history = history.of_account(conversion["account_id"])
    datafile = history.newest if at is None else history.at(at)
    notes: list[Note] = []
    if report is not None and not report.is_deletion:
        notes += report_warnings(report, conversion, datafile, counted=end.outcome == "counted")
    if conversion is not None:
        attributed = judgement.running if judgement else ()
        notes += conversion_warnings(conversion, datafile, history, attributed)
        notes += under_other_name(conversion, report)
        if report is not None and report.outcome != "sent":
            notes.append(answer_lost())
    notes += report.warnings if report else []
    # What the parser and the forwarder note begins small and has no full stop; here it stands among sentences.
    sentences = [note(item["code"], _sentence(item["message"])) for item in notes]
    return list({(item["code"], item["message"]): item for item in sentences}.values())


def _sentence(message: str) -> str:
    """A note as a sentence; what begins with a place in the batch, as `tags.products`, keeps its small letter."""
    first = message.partition(" ")[0]
    return (message[:1].upper() + message[1:] if first.isalpha() else message).rstrip(".") + "."
