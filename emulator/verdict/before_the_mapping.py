"""Verdicts on events that Segment ended between source and mapping: by schema controls, consent, or a filter."""

from collections.abc import Mapping
from typing import Any

from optilocal.emulator.batch.row import EventRow, Note, note
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.nearest import Near, difference
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.verdict.ending import Ending, event_name
from optilocal.emulator.wording import listed, quoted

# How the stages that change events are named in a sentence, with the code of the note.
_CHANGING = {
    "schema": ("Segment's schema controls", "changed_by_schema"),
    "source_transformations": ("A transformation of the source", "changed_by_transformation"),
    "destination_filters": ("A destination filter", "changed_by_filter"),
    "destination_transformations": ("A transformation for this destination", "changed_by_transformation"),
}


def ended_stage(report: DeliveryReport) -> Mapping[str, Any]:
    """The stage before the mapping that ended the event, empty where none did."""
    return next((stage for stage in report.stages if stage.get("result") == "ended"), {})


def code_details(report: DeliveryReport) -> list[str]:
    """The sentences of the stage that ended the event, with Segment's own discard code."""
    stage = ended_stage(report)
    sentences = [
        str(detail) for detail in stage.get("details", ()) if isinstance(detail, str)
    ] or report.messages
    code = stage.get("code")
    return [*sentences, f"Segment's discard code is {code}."] if isinstance(code, str) and code else sentences


def blocked_by_schema(report: DeliveryReport, _: DatafileHistory) -> Ending:
    """Schema controls dropped the event, so no destination got it."""
    stage = ended_stage(report)
    code = str(stage.get("code"))
    name = str(report.raw.get("event"))
    near = tuple(
        Near(planned, difference(name, planned), 0)
        for planned in stage.get("nearest", ())
        if isinstance(planned, str)
    )
    if code.startswith("unplanned"):
        remedy = "Track it under the name that the tracking plan has, or add the event to the plan."
        if near:
            names = listed((each.name for each in near), "or")
            remedy = f"Track it as {names}, as the tracking plan has it, or add the event to the plan."
    elif code == "event_setting":
        remedy = "Take the event out of the source's blocked events."
    else:
        remedy = "Send the properties that the tracking plan asks for, each of its type, or correct the plan."
    return Ending(
        "blocked_by_schema",
        f"{event_name(report)} was dropped by Segment, because the source's schema controls block it "
        f"({_first(report)}); no destination saw it.",
        remedy,
        tuple(code_details(report)),
        near,
    )


def consent_refused(report: DeliveryReport, _: DatafileHistory) -> Ending:
    """The event's consent does not cover the destination's categories."""
    return Ending(
        "consent_refused",
        f"{event_name(report)} was kept from Optimizely by its own consent: {_first(report)}.",
        "Send the event with every category of this destination set to true in context.consent.categoryPreferences "
        "once the user consents; without consent nothing needs to change.",
        tuple(code_details(report)),
    )


def filtered(report: DeliveryReport, _: DatafileHistory) -> Ending:
    """A destination filter, a transformation or the schema's integration filter dropped the event."""
    stage = ended_stage(report)
    by, name = stage.get("stage"), stage.get("by")
    if by == "schema_filter":
        remedy = "Turn this destination on for the event in the source's schema."
    elif by == "destination_filters":
        remedy = f"Change the condition of the destination filter {quoted(name)}, disable it, or send another event."
    else:
        remedy = f"Change the condition of the transformation {quoted(name)}, or disable it."
    return Ending(
        "filtered",
        f"{event_name(report)} was dropped by Segment before the destination's mappings: {_first(report)}.",
        remedy,
        tuple(code_details(report)),
    )


def _first(report: DeliveryReport) -> str:
    sentences = ended_stage(report).get("details") or report.messages
    return str(sentences[0]).rstrip(".") if sentences else "the report does not say why"


def stage_warnings(report: DeliveryReport) -> list[Note]:
    """What the stages changed of an event that went on."""
    notes = []
    for stage in report.stages:
        who, code = _CHANGING.get(str(stage.get("stage")), ("", ""))
        if who and stage.get("result") == "changed":
            notes += [
                note(code, f"{who} changed the event: {str(detail).rstrip('.')}.")
                for detail in stage.get("details", ())
            ]
    return notes


def taken_out(report: DeliveryReport, conversion: EventRow) -> list[Note]:
    """Revenue and value that the source event had and a stage before the mappings took out."""
    mapped = report.raw.get("mapped_event")
    if not isinstance(mapped, Mapping):
        return []
    left = mapped.get("properties")
    left = left if isinstance(left, Mapping) else {}
    found = []
    for name, sent in (("revenue", conversion["revenue"]), ("value", conversion["value"])):
        given = report.properties.get(name)
        if sent is None and given not in (None, "") and name not in left:
            told = f"The source event's {name} {given} was taken out before the mappings; the event has no {name}."
            found.append(note(f"{name}_taken_out", told))
    return found
