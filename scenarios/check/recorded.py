"""Recorded Segment events: JSON lines, a JSON list, or the body of a batch call."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from optilocal.emulator.json_text import as_object
from optilocal.scenarios.check.json_lines import JsonText
from optilocal.scenarios.check.tracked import Place, Reading, Tracked
from optilocal.scenarios.language.problems import AuthorProblem, Mark, ScenarioError

_LISTS = ("batch", "events", "messages", "verdicts")
_CALLS = ("track", "identify", "page", "screen", "group", "alias")


def is_event(value: Any) -> bool:
    """Whether parsed JSON is one recorded event."""
    if not isinstance(value, dict):
        return False
    event = _unwrapped(value)
    return event.get("type") in _CALLS or ("event" in event and _known(event))


def list_key(value: Any) -> str | None:
    """The key under which an object keeps a list of recorded events, or None."""
    if isinstance(value, dict):
        for key in _LISTS:
            if isinstance(value.get(key), list) and any(is_event(item) for item in value[key]):
                return key
    return None


def read_json(text: str, file: str, key: str | None) -> Reading:
    """The events of a JSON list, or of the list under `key`."""
    return _read(JsonText(text).items(key), file)


def read_json_lines(text: str, file: str) -> Reading:
    """One event a line. Raises ScenarioError with every line that is not a JSON object."""
    problems: list[AuthorProblem] = []

    def items() -> Iterator[tuple[Any, int]]:
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                yield json.loads(line), number
            except ValueError as error:
                problems.append(
                    AuthorProblem(Path(file), Mark(number), f"this line is not valid JSON: {error}")
                )

    return _read(items(), file, problems)


def _read(
    items: Iterable[tuple[Any, int]], file: str, problems: list[AuthorProblem] | None = None
) -> Reading:
    reading = Reading(file, "recorded events")
    problems = [] if problems is None else problems
    for item, line in items:
        if not isinstance(item, dict):
            message = (
                "a recorded event is a JSON object such as {'type': 'track', 'event': 'Order Completed', …}"
            )
            problems.append(AuthorProblem(Path(file), Mark(line), message.replace("'", '"')))
            continue
        event = _unwrapped(item)
        kind = event.get("type", "track" if "event" in event else None)
        if kind == "identify":
            for trait in as_object(event.get("traits")):
                reading.identify_traits.setdefault(trait, Place(file, line))
        name = event.get("event")
        text = name if isinstance(name, str) else "" if name is None else json.dumps(name)
        reading.tracked.append(Tracked(text, "recorded events", Place(file, line), {**event, "type": kind}))
    if problems:
        raise ScenarioError(problems)
    return reading


def _unwrapped(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event itself where a record carries it: a delivery report, a verdict, or a line of `preview`."""
    for path in (("source_event",), ("delivery", "source_event")):
        value: Any = item
        for key in path:
            value = as_object(value).get(key)
        if isinstance(value, dict):
            return value
    inner = item.get("event")
    return inner if isinstance(inner, dict) else item


def _known(event: Mapping[str, Any]) -> bool:
    return any(key in event for key in ("properties", "messageId", "userId", "anonymousId", "timestamp"))
