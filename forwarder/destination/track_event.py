"""The action `trackEvent`: it makes an event batch for Optimizely from a payload and a datafile.

Source: @segment/action-destinations, optimizely-feature-experimentation-actions/trackEvent/index.ts.
"""

from collections.abc import Iterator
from typing import Any, Final

from optilocal.forwarder.destination.fields import Field
from optilocal.forwarder.destination.wire import Client, Response, call
from optilocal.forwarder.errors import IntegrationError, JavaScriptTypeError, PayloadValidationError
from optilocal.forwarder.javascript.date import utc_milliseconds
from optilocal.forwarder.javascript.json import plain_json
from optilocal.forwarder.javascript.values import (
    MAX_SAFE,
    UNDEFINED,
    Value,
    get_property,
    to_primitive_string,
    truthy,
    utf16_length,
    utf16_slice,
)

EVENTS_URL: Final = "https://logx.optimizely.com/v1/events"

FIELDS: Final = (
    Field("eventKey", "Event Key", "string", required=True),
    Field("userId", "User ID", "string", required=True),
    Field("attributes", "Event Attributes", "object"),
    Field("revenue", "Revenue", "integer"),
    Field("value", "Value", "number"),
    Field("eventTags", "Event Tags", "object"),
    Field("timestamp", "Timestamp", "datetime", required=True),
    Field("uuid", "Unique ID", "string", required=True),
)

DEFAULT_FIELDS: Final[dict[str, Any]] = {
    "eventKey": {"@path": "$.event"},
    "userId": {
        "@if": {
            "exists": {"@path": "$.userId"},
            "then": {"@path": "$.userId"},
            "else": {"@path": "$.anonymousId"},
        }
    },
    "attributes": {"@path": "$.context.traits"},
    "revenue": {"@path": "$.properties.revenue"},
    "value": {"@path": "$.properties.value"},
    "eventTags": {"@path": "$.properties"},
    "timestamp": {"@path": "$.timestamp"},
    "uuid": {"@path": "$.messageId"},
}


def perform(payload: dict[str, Any], settings: dict[str, Any], client: Client) -> Response:
    """Fetches the datafile, finds the event in it and posts the batch; returns Optimizely's answer.

    `payload` and `settings` are validated. Raises `IntegrationError` for a body that is not JSON (a deactivated project),
    `PayloadValidationError` for an event that the datafile lacks, `JavaScriptTypeError` for a datafile of another shape,
    and what the calls raise.
    """
    answer = call(client, "GET", settings["dataFileUrl"])
    if answer.parsed is UNDEFINED:
        raise IntegrationError(answer.text, "PROJECT_DEACTIVATED", 400)
    batch = event_batch(payload, answer.data)
    return call(client, "POST", EVENTS_URL, json=batch)


def event_batch(payload: dict[str, Any], datafile: Value) -> dict[str, Any]:
    """The body for the Event API. Raises as `perform` does."""
    event_key = payload["eventKey"]
    event_id = _id_of(_ByKey(_member(datafile, "events")).get(event_key))
    if not truthy(event_id):
        raise PayloadValidationError(f"Event with name {event_key} is not defined")
    tags = {
        key: value for key, value in payload.get("eventTags", {}).items() if key not in ("revenue", "value")
    }
    event = {
        "entity_id": event_id,
        "timestamp": utc_milliseconds(payload["timestamp"]),
        "uuid": payload["uuid"],
        "key": event_key,
        "revenue": payload.get("revenue", UNDEFINED),
        "value": payload.get("value", UNDEFINED),
        "tags": tags,
    }
    visitor = {
        "snapshots": [{"events": [event], "decisions": []}],
        "visitor_id": payload["userId"],
        "attributes": _attributes(payload, datafile),
    }
    batch: dict[str, Any] = plain_json(
        {
            "account_id": _member(datafile, "accountId"),
            "anonymize_ip": _member(datafile, "anonymizeIP"),
            "client_name": "Segment",
            "enrich_decisions": True,
            "visitors": [visitor],
        }
    )
    return batch


def _attributes(payload: dict[str, Any], datafile: Value) -> list[dict[str, Any]]:
    attributes: list[dict[str, Any]] = []
    if "attributes" in payload:
        known = _ByKey(_member(datafile, "attributes"))
        attributes = [
            {"entity_id": _id_of(known.own[key]), "key": key, "value": value, "type": "custom"}
            for key, value in payload["attributes"].items()
            if key in known.own and isinstance(value, (str, bool, int, float))
        ]
    bot_filtering = _member(datafile, "botFiltering")
    if isinstance(bot_filtering, bool):
        name = "$opt_bot_filtering"
        attributes.append({"entity_id": name, "key": name, "type": "custom", "value": bot_filtering})
    return attributes


class _ByKey:
    """Entities of a datafile by key, as in the JavaScript object that Segment's code builds: the first of a key wins."""

    def __init__(self, entities: Value) -> None:
        self.own: dict[str, Value] = {}
        self._prototype: Value = UNDEFINED
        for entity in _from_the_right(entities):
            key = entity.get("key") if isinstance(entity, dict) else None
            if type(key) is str and key != "__proto__":
                self.own[key] = entity
                continue
            if entity is None or entity is UNDEFINED:
                shown = "null" if entity is None else "undefined"
                raise JavaScriptTypeError(f"Cannot read properties of {shown} (reading 'key')")
            key = to_primitive_string(get_property(entity, "key"))
            if key != "__proto__":
                self.own[key] = entity
            elif isinstance(entity, (dict, list)):
                # In JavaScript an assignment to `__proto__` replaces the prototype and adds no key.
                self._prototype = entity

    def get(self, key: str) -> Value:
        if key in self.own:
            return self.own[key]
        if self._prototype is UNDEFINED:
            return get_property({}, key)
        return self._prototype if key == "__proto__" else get_property(self._prototype, key)


def _from_the_right(entities: Value) -> Iterator[Value]:
    """The entities in the order of lodash's forEachRight, the last one first."""
    if isinstance(entities, list):
        yield from reversed(entities)
    elif isinstance(entities, str):
        for index in reversed(range(utf16_length(entities))):
            yield utf16_slice(entities, index, index + 1)
    elif isinstance(entities, dict):
        length = entities.get("length")
        if isinstance(length, int) and not isinstance(length, bool) and 0 <= length < MAX_SAFE:
            # lodash takes an object with a length for an array.
            for index in range(length - 1, -1, -1):
                yield entities.get(str(index), UNDEFINED)
        else:
            yield from reversed(entities.values())


def _member(datafile: Value, key: str) -> Value:
    if datafile is None:
        raise JavaScriptTypeError(f"Cannot read properties of null (reading '{key}')")
    if isinstance(datafile, dict):
        return datafile.get(key, UNDEFINED)
    return get_property(datafile, key)


def _id_of(entity: Value) -> Value:
    if not truthy(entity):
        return UNDEFINED
    return get_property(entity, "id")
