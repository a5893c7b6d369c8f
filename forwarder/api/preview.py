"""`/_forwarder/preview | trigger | fields`: the reports that events would get, and the parts of a mapping; nothing is
sent.
"""

from collections.abc import Collection
from random import Random
from typing import Any

from flask import Blueprint, Response, jsonify

from optilocal.forwarder.api.body import read_json
from optilocal.forwarder.api.control import SETTINGS
from optilocal.forwarder.context import context
from optilocal.forwarder.destination.destination import DEFAULT_TRIGGER, MAX_MAPPINGS, Settings
from optilocal.forwarder.destination.track_event import DEFAULT_FIELDS, FIELDS
from optilocal.forwarder.destination.trigger import compile_trigger
from optilocal.forwarder.destination.trigger_lint import lint_trigger
from optilocal.forwarder.destination.trigger_words import in_words
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.pipeline.mappings import read_mappings
from optilocal.forwarder.pipeline.memory import ProcessMemory
from optilocal.forwarder.pipeline.offline import OfflineClient, datafile_answer
from optilocal.forwarder.pipeline.pipeline import Pipeline
from optilocal.forwarder.pipeline.source_event import complete
from optilocal.forwarder.problems import Problem
from optilocal.forwarder.queue.instances import ENABLED, of_action
from optilocal.forwarder.stages.platform import PARTS
from optilocal.serving.site import current_namespace

blueprint = Blueprint("preview_api", __name__, url_prefix="/_forwarder")

MOST_EVENTS = 100
KEYS = ("events", "datafile", "settings", "mappings", *PARTS)


@blueprint.post("/preview")
def preview() -> Response:
    """The report that each event would get with the given settings, mappings and stages, else with those configured."""
    body = _object(read_json(), KEYS)
    pipeline = _pipeline(body)
    events = body.get("events")
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        raise Problem("invalid_preview", f'"events" is a list of 1 to {MOST_EVENTS} Segment events')
    reports = []
    for event in events:
        if not isinstance(event, dict):
            raise Problem("invalid_preview", "a Segment event is a JSON object")
        at = context().clock.now_ms()
        whole = complete(event, kind=None, received_at=at, message_id=f"preview-{context().new_id()}")
        delivery = pipeline.open(whole, received_at=at)
        reports.append((pipeline.attempt(delivery) if delivery.retry_at is not None else delivery).report)
    return jsonify(reports=reports)


def _pipeline(body: dict[str, Any]) -> Pipeline:
    instances, namespace = context().instances, current_namespace()
    datafile = _object(body.get("datafile") or {}, ("status", "text", "content_type"))
    settings = {**instances.settings(namespace), **_object(body.get("settings") or {}, SETTINGS)}
    optimizely, clock = instances.optimizely(namespace), context().clock
    try:
        answer = datafile_answer(
            str(datafile.get("text") or ""),
            datafile.get("status") or 200,
            str(datafile.get("content_type") or "application/json"),
            name="the datafile's status",
        )
        mappings = instances.mappings(namespace)
        if "mappings" in body:
            mappings = read_mappings(body["mappings"])
        return Pipeline(
            Settings({key: value for key, value in of_action(settings).items() if value is not None}),
            mappings,
            enabled=settings.get(ENABLED) is not False,
            clock=clock,
            random=Random(0),
            ids=context().new_id,
            platform=instances.platform(namespace).with_parts(body),
            memory=_PreviewMemory(),
            namespace=namespace,
            client=lambda attempt: OfflineClient(
                lambda: answer, optimizely=optimizely, clock=clock, attempt=attempt
            ),
        )
    except (ValueError, DestinationError) as error:
        raise Problem("invalid_preview", str(error)) from None


class _PreviewMemory(ProcessMemory):
    """The namespace's suppression list, and the message ids of one preview."""

    def is_suppressed(self, namespace: str, kind: str, subject: str) -> bool:
        return context().spool.is_suppressed(namespace, kind, subject)


@blueprint.get("/fields")
def fields() -> Response:
    """The parts of a mapping: the action's fields with their types and defaults, and its trigger."""
    return jsonify(
        trigger=DEFAULT_TRIGGER,
        most=MAX_MAPPINGS,
        fields=[
            {
                "key": known.key,
                "label": known.label,
                "type": known.type,
                "required": known.required,
                "default": DEFAULT_FIELDS[known.key],
            }
            for known in FIELDS
        ],
    )


@blueprint.post("/trigger")
def trigger() -> Response:
    """A trigger's meaning in words, or Segment's own error, and its probable mistakes."""
    body = read_json()
    text = body.get("trigger") if isinstance(body, dict) else None
    names = body.get("event_names", []) if isinstance(body, dict) else None
    if not isinstance(text, str) or not isinstance(names, list):
        raise Problem("invalid_trigger", 'give {"trigger": a text, "event_names"?: a list of texts}')
    compiled = compile_trigger(text)
    notes = [
        {"at": note.at, "text": note.text, "message": note.message}
        for note in lint_trigger(text, [str(name) for name in names])
    ]
    return jsonify(problem=compiled.problem, meaning=in_words(compiled), notes=notes)


def _object(value: Any, keys: Collection[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Problem("invalid_preview", f"give an object with {', '.join(keys)}")
    unknown = sorted(set(value) - set(keys))
    if unknown:
        raise Problem("invalid_preview", f"unknown key {unknown[0]!r:.60}; known are {', '.join(keys)}")
    return value
