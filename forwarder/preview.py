"""`optilocal preview`: the requests that Segment would send; JSON lines in, JSON lines out, nothing leaves the process."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TextIO

from optilocal.forwarder.destination import track_event
from optilocal.forwarder.destination.destination import (
    DEFAULT_TRIGGER,
    ActionResult,
    Settings,
    Subscription,
    event_keys,
    on_delete,
    test_authentication,
)
from optilocal.forwarder.destination.mapping import transform
from optilocal.forwarder.destination.trigger import compile_trigger
from optilocal.forwarder.destination.trigger_lint import TYPES, lint_trigger
from optilocal.forwarder.destination.wire import Client, Response
from optilocal.forwarder.errors import DestinationError, JavaScriptRangeError
from optilocal.forwarder.http.recording import Exchange
from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json, plain_json
from optilocal.forwarder.javascript.url import without_fragment
from optilocal.forwarder.javascript.values import MAX_SAFE, UNDEFINED, number_to_string, to_primitive_string
from optilocal.forwarder.pipeline.offline import (
    OfflineClient,
    answered,
    completed,
    datafile_answer,
    through_mappings,
)
from optilocal.forwarder.stages.course import Course, run
from optilocal.forwarder.stages.platform import NOTHING, Platform
from optilocal.forwarder.stages.shape import ShapeError

DEFAULT_SETTINGS: Final = {
    "accountId": "12001",
    "dataFileUrl": "https://cdn.optimizely.com/datafiles/preview.json",
}


@dataclass(frozen=True)
class Workspace:
    """The configuration that all lines share, from a settings file; a line's own `settings`, `mapping` and parts win.
    `random` draws the samples, the same in every run.
    """

    settings: Settings = field(default_factory=lambda: Settings(DEFAULT_SETTINGS))
    mappings: Sequence[Subscription] = ()
    platform: Platform = NOTHING
    datafile: Any = None
    random: Random = field(default_factory=lambda: Random(0))

    def before_mappings(self, line: Mapping[str, Any]) -> Course | None:
        """Runs the stages before the mappings; None where none is configured. Raises `DestinationError`."""
        event = line.get("event")
        try:
            platform = self.platform.with_parts(line)
        except ShapeError as error:
            raise DestinationError(str(error)) from error
        if not isinstance(event, dict) or platform == NOTHING:
            return None
        return run(platform, event, self.random)

    def mappings_for(self, line: Mapping[str, Any]) -> Sequence[Subscription]:
        """The line's own mapping where it brings a part of one, or where the workspace has none; else the workspace's."""
        if self.mappings and not {"mapping", "subscription"} & set(line):
            return self.mappings
        trigger = line.get("subscription", DEFAULT_TRIGGER)
        return [Subscription("preview", trigger, line.get("mapping", track_event.DEFAULT_FIELDS))]


ALONE: Final = Workspace()
"""The workspace without any configuration."""

DEFAULT_DATAFILE: Final = {"version": "4", "events": [], "attributes": []}
# A byte that is not UTF-8, as Python's "surrogateescape" represents it.
_FOREIGN_BYTE: Final = re.compile("[\udc80-\udcff]")
# JavaScript writes whole numbers up to 1e21 without an exponent; Python adds a fraction, or an exponent from 1e16.
_LONG_NUMBER: Final = re.compile(r"[0-9]e\+(?:1[6-9]|20)|[0-9]{16}\.0")

_write: Final = json.JSONEncoder(separators=(",", ":")).encode


def _client(line: Mapping[str, Any]) -> OfflineClient:
    """A client that answers each GET with the line's datafile, any other request with its `events_status`."""

    return OfflineClient(
        lambda: _datafile(line), lambda: answered(_status(line, "events_status", 204), "events_status")
    )


def _datafile(line: Mapping[str, Any]) -> Response:
    datafile = line.get("datafile", DEFAULT_DATAFILE)
    content_type = line.get("datafile_content_type", "application/json")
    return datafile_answer(
        datafile if isinstance(datafile, str) else _as_text(datafile),
        _status(line, "datafile_status", 200),
        None if content_type is None else to_primitive_string(content_type),
        name="datafile_status",
    )


def _status(line: Mapping[str, Any], key: str, usual: int) -> Any:
    status = line.get(key)
    return usual if status is None else status


def _as_text(datafile: Any) -> str:
    try:
        return json.dumps(datafile, allow_nan=False)
    except ValueError:
        # A number too large for a double is parsed as Infinity, which JavaScript writes as null.
        return json.dumps(plain_json(datafile))


def run_line(line: Any, workspace: Workspace = ALONE) -> dict[str, Any]:
    """The answer to one parsed line; never raises for a line's content.

    Where stages before the mappings are configured, in the line or the workspace, `stages` has their rows; an event
    that a stage ends is `skipped`.
    """
    if not isinstance(line, dict):
        return _unreadable(f"a line is a JSON object, not {type(line).__name__}")
    op = line.get("op", "track")
    if op not in _NAMES:
        names = ", ".join(_NAMES)
        return {**_unreadable(f"op must be one of {names}"), "id": plain_json(line.get("id"))}
    client = _client(line)
    course: Course | None = None
    try:
        course = workspace.before_mappings(line) if op == "track" else None
        if course is not None:
            line = {**line, "event": course.event}
        settings = _settings(line, workspace)
        if course is not None and course.ended is not None:
            result = ActionResult("skipped")
        elif op == "track":
            event, mappings = line.get("event", UNDEFINED), workspace.mappings_for(line)
            result, _ = through_mappings(event, mappings, settings, client)
        else:
            result = _OPERATIONS[op](line, settings, client)
    except DestinationError as error:
        result = ActionResult("error", error=error)
    except RecursionError:
        result = ActionResult("error", error=JavaScriptRangeError("Maximum call stack size exceeded"))
    answer: dict[str, Any] = {
        "id": plain_json(line.get("id")),
        "outcome": result.outcome,
        "requests": [_request(exchange) for exchange in client.exchanges],
    }
    if course is not None:
        answer["stages"] = list(course.rows)
    value = plain_json(result.value)
    if value is not UNDEFINED:
        answer["value"] = value
    if result.error is not None:
        answer["error"] = result.error.as_json()
    return answer


def main(stream_in: TextIO, stream_out: TextIO, workspace: Workspace = ALONE, now: str | None = None) -> int:
    """Answers every line of a stream with one line, in order. Returns the exit code: 1 if a line could not be parsed.

    `now` (ISO 8601) is the time of a bare event without one.
    """
    unreadable = False
    for number, raw in enumerate(stream_in):
        text = raw.removeprefix("\ufeff") if number == 0 else raw
        if not text.strip():
            continue
        try:
            if not text.isascii() and _FOREIGN_BYTE.search(text):
                raise JsonSyntaxError("the line is not UTF-8")
            answer = _answer(parse_json(text), workspace, number, now)
        except JsonSyntaxError as error:
            answer = _unreadable(str(error))
        unreadable = unreadable or answer.get("error", {}).get("name") == "SyntaxError"
        written = _write(answer)
        if ("e+" in written or ".0" in written) and _LONG_NUMBER.search(written):
            written = _write(_with_whole_numbers(answer))
        stream_out.write(written + "\n")
    stream_out.flush()
    return 1 if unreadable else 0


def _answer(line: Any, workspace: Workspace, number: int, now: str | None) -> dict[str, Any]:
    """The answer to a line or a bare event; a skipped event has its `reason`."""
    if is_bare_event(line):
        line = as_line(line, number, now)
    if workspace.datafile is not None and isinstance(line, dict):
        line = {"datafile": workspace.datafile, **line}
    answer = run_line(line, workspace)
    return (
        {**answer, "reason": _reason(answer, line, workspace)} if answer["outcome"] == "skipped" else answer
    )


def is_bare_event(line: Any) -> bool:
    """Whether a line is a Segment event itself, as sources send it and recordings have it."""
    return (
        isinstance(line, dict)
        and line.get("type") in TYPES
        and not isinstance(line.get("event"), dict)
        and not {"op", "mapping", "subscription"} & set(line)
    )


def as_line(event: dict[str, Any], number: int, now: str | None) -> dict[str, Any]:
    """A bare event as a line, completed with an id and a time as Segment's Tracking API does it."""
    return {"id": event.get("messageId"), "event": completed(event, f"preview-{number + 1}", now)}


def _reason(answer: Mapping[str, Any], line: Mapping[str, Any], workspace: Workspace) -> str:
    """Why nothing was sent: the stage that ended the event, else the triggers with their probable mistakes."""
    for stage in answer.get("stages", ()):
        if stage.get("result") not in (None, "passed", "changed"):
            who = f" ({stage['by']})" if stage.get("by") else ""
            return f"{stage['stage']}: {stage.get('code') or stage['result']}{who}"
    triggers: list[Any] = [mapping.trigger for mapping in workspace.mappings_for(line) if mapping.enabled]
    event = line.get("event")
    kind = f" of type {event.get('type')!r}" if isinstance(event, dict) else ""
    reasons = []
    for trigger in triggers:
        if not isinstance(trigger, str):
            reasons.append("the trigger is not a text")
            continue
        why = "cannot be parsed" if compile_trigger(trigger).problem else f"does not match this event{kind}"
        hints = "".join(f"; {note.message}" for note in lint_trigger(trigger))
        reasons.append(f"the trigger {trigger} {why}{hints}")
    return ". ".join(reasons) or "no mapping is enabled"


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_whole_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    return (
        int(number_to_string(value)) if isinstance(value, float) and MAX_SAFE <= abs(value) < 1e21 else value
    )


def _unreadable(problem: str) -> dict[str, Any]:
    return {
        "id": None,
        "outcome": "error",
        "requests": [],
        "error": {"name": "SyntaxError", "message": problem},
    }


def _settings(line: Mapping[str, Any], workspace: Workspace) -> Settings:
    if "settings" not in line:
        return workspace.settings
    configured = line["settings"]
    return Settings(configured if isinstance(configured, dict) else {})


def _request(exchange: Exchange) -> dict[str, Any]:
    row = {"method": exchange.method, "url": without_fragment(exchange.url)}
    return row if exchange.json is UNDEFINED else {**row, "json": exchange.json}


def _fql(line: Mapping[str, Any], _: Settings, __: Client) -> ActionResult:
    trigger = line.get("subscription", DEFAULT_TRIGGER)
    compiled = compile_trigger(trigger if isinstance(trigger, str) else "")
    return ActionResult("ok", value=compiled.matches(line.get("event", UNDEFINED)))


def _mapping(line: Mapping[str, Any], _: Settings, __: Client) -> ActionResult:
    fields = line.get("mapping", track_event.DEFAULT_FIELDS)
    return ActionResult("ok", value=transform(fields, line.get("event", UNDEFINED)))


_OPERATIONS: Final[dict[str, Callable[[Mapping[str, Any], Settings, Client], ActionResult]]] = {
    "fql": _fql,
    "mapping": _mapping,
    "delete": lambda line, settings, client: on_delete(line.get("event", {}), settings, client),
    "testAuthentication": lambda _, settings, client: test_authentication(settings, client),
    "eventKeys": lambda _, settings, client: event_keys(settings, client),
}
_NAMES: Final = ("track", *_OPERATIONS)
