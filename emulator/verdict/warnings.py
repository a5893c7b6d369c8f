"""What is worth knowing of an event whatever became of it: the notes that go with a verdict."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from optilocal.emulator.batch.fields import type_name
from optilocal.emulator.batch.parse import US_HOST
from optilocal.emulator.batch.row import EventRow, Note, note
from optilocal.emulator.batch.timestamp import ahead, in_bounds
from optilocal.emulator.counting.standing import Standing
from optilocal.emulator.datafile.bandit import DIFFERS, NOT_SERVED
from optilocal.emulator.datafile.datafile import Datafile
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.verdict import revenue_warnings
from optilocal.emulator.verdict.before_the_mapping import stage_warnings, taken_out
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.wording import listed, quoted


def conversion_warnings(
    conversion: EventRow, datafile: Datafile | None, history: DatafileHistory, attributed: Iterable[Standing]
) -> list[Note]:
    """Notes on a recorded conversion, whoever sent it. `datafile` is the one that held at its time."""
    notes = [note(item["code"], item["message"]) for item in conversion["warnings"]]
    sent, received_at = conversion["timestamp"], conversion["received_at"]
    if sent is not None and in_bounds(sent, received_at):
        odd = ahead(sent, received_at)
        notes += [note("timestamp_in_future", odd)] if odd else []
    for standing in attributed:
        if standing.others and standing.variation is not None:
            others = listed(variation.key for variation in standing.others)
            message = (
                f"The visitor was also seen in {others} of {quoted(standing.experiment.key)}; the first "
                "variation, "
                f"{quoted(standing.variation.key)}, is the one that counts."
            )
            notes.append(note("visitor_changed_variation", message))
        if standing.first is not None:
            notes += [item for item in standing.first["warnings"] if item["code"] in (NOT_SERVED, DIFFERS)]
    if datafile is not None:
        notes += _other_key(conversion, datafile, history)
        firsts = [standing.first for standing in attributed if standing.first is not None]
        if datafile.region == "EU" and any(row.get("sent_to") == US_HOST for row in (conversion, *firsts)):
            why = (
                "Optimizely's SDKs post to eu.logx.optimizely.com by that region, unless they are old or their events "
                "address is set by hand, as Agent's client.eventURL is."
            )
            its = "the event" if conversion.get("sent_to") == US_HOST else "the decision"
            notes.append(_us_region(why, its))
        keys = [item["key"] for item in conversion["attributes"] if isinstance(item["key"], str)]
        notes += _unknown_attributes([key for key in keys if not key.startswith("$opt_")], datafile)
    return notes


def report_warnings(
    report: DeliveryReport, conversion: EventRow | None, datafile: Datafile | None, *, counted: bool
) -> list[Note]:
    """Notes on what the forwarder did with the source event on its way."""
    notes: list[Note] = stage_warnings(report)
    notes += taken_out(report, conversion) if conversion else []
    if counted and report.user_id is None and conversion and conversion["visitor_id"] == report.anonymous_id:
        message = (
            f"The event had no userId and counts under the anonymousId {quoted(conversion['visitor_id'])}. "
            "Segment's page on "
            "this destination says that only identified users are sent; its published code falls back to "
            "the anonymousId."
        )
        notes.append(note("counted_under_anonymous_id", message))
    elif conversion and isinstance(report.user_id, str) and conversion["visitor_id"] != report.user_id:
        message = f"The visitor {quoted(conversion['visitor_id'])} is not the event's userId {quoted(report.user_id)}."
        notes.append(note("visitor_is_not_user_id", message))
    attributes = report.payload.get("attributes")
    if isinstance(attributes, dict) and datafile is not None:
        notes += _unknown_attributes(attributes, datafile)
        notes += _dropped_traits(attributes, datafile)
    if datafile is not None and datafile.region == "EU" and _sent_to_the_us(report):
        why = "Segment's destination knows no other, while Optimizely's SDKs post to eu.logx.optimizely.com."
        notes.append(_us_region(why))
    notes += revenue_warnings.coerced(report)
    notes += revenue_warnings.unit(report)
    notes += revenue_warnings.stripped(report)
    if report.source_event.get("traits") and report.raw.get("type") == "track":
        message = (
            "Traits at the top of a track call are not read; by default they are taken from context.traits."
        )
        notes.append(note("traits_ignored", message))
    sent = Counter(_uuid(mapping, report) for mapping in report.mappings if mapping.get("outcome") == "sent")
    for uuid, times in sent.items():
        if times > 1:
            message = (
                f"{times} mappings sent this event with the uuid {quoted(uuid)}; Optimizely keeps the first."
            )
            notes.append(note("several_mappings", message))
    return notes


def answer_lost() -> Note:
    """The note on an event that was recorded although its sender was told otherwise."""
    message = "The event was recorded although the forwarder was told that it failed; a retry is collapsed by its uuid."
    return note("answer_lost", message)


def _other_key(conversion: EventRow, datafile: Datafile, history: DatafileHistory) -> list[Note]:
    key, entity_id = conversion["key"], conversion["entity_id"]
    event = datafile.event_by_id(entity_id)
    if event is None or not key or key in (event.key, entity_id) or history.was_called(event.id, key):
        return []
    message = (
        f"The event's key is {quoted(key)}, but its entity_id is that of {quoted(event.key)}; the id decides."
    )
    return [note("key_is_not_of_entity_id", message)]


def _us_region(why: str, what: str = "the event") -> Note:
    message = (
        f"The datafile's region is EU, but {what} went to {US_HOST}, the US Event API: {why} Optimizely publishes "
        "nothing about such events; an account of the EU keeps its data there, so expect them in none of its results."
    )
    return note("sent_to_us_region", message)


def _sent_to_the_us(report: DeliveryReport) -> bool:
    requests = report.requests_to("events")
    return any(str(request.get("url")).startswith(f"https://{US_HOST}/") for request in requests)


def _uuid(mapping: Mapping[str, Any], report: DeliveryReport) -> str | None:
    payload = mapping.get("payload")
    uuid = payload.get("uuid") if isinstance(payload, dict) else report.uuid
    return uuid if isinstance(uuid, str) else None


def _unknown_attributes(keys: Iterable[str], datafile: Datafile) -> list[Note]:
    unknown = [key for key in keys if key not in datafile.attribute_keys]
    if not unknown:
        return []
    noun = "The attribute" if len(unknown) == 1 else "The attributes"
    is_missing = "is not in the datafile and is" if len(unknown) == 1 else "are not in the datafile and are"
    return [note("attribute_not_in_datafile", f"{noun} {listed(unknown)} {is_missing} not kept.")]


def _dropped_traits(attributes: Mapping[str, Any], datafile: Datafile) -> list[Note]:
    return [
        note("non_scalar_trait", f"The trait {quoted(key)} was dropped: it is {type_name(value)}.")
        for key, value in attributes.items()
        if key in datafile.attribute_keys and not isinstance(value, str | int | float)
    ]
