"""What a forwarder reported of one source event, read tolerantly: a field that is missing or odd reads as absent."""

from collections.abc import Mapping
from typing import Any

from optilocal.emulator.batch.row import Note, note
from optilocal.emulator.json_text import as_list, as_object, objects


class DeliveryReport:
    """One report in the shape "Delivery" of docs/shapes.md. `raw` is kept as it came."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    def text(self, key: str) -> str | None:
        """A field that is a non-empty string, else None."""
        value = self.raw.get(key)
        return value if isinstance(value, str) and value else None

    @property
    def is_deletion(self) -> bool:
        return self.raw.get("type") == "delete"

    @property
    def outcome(self) -> str:
        return self.text("outcome") or ""

    @property
    def user_id(self) -> Any:
        """The source event's userId, None when it has none (an empty text identifies nobody)."""
        ids = (self.raw.get("user_id"), self.source_event.get("userId"))
        return next((value for value in ids if value not in (None, "")), None)

    @property
    def anonymous_id(self) -> str | None:
        """The source event's anonymousId."""
        ids = (self.raw.get("anonymous_id"), self.source_event.get("anonymousId"))
        own = next((value for value in ids if value not in (None, "")), None)
        return None if own is None else str(own)

    @property
    def visitor_id(self) -> str | None:
        return self.text("visitor_id") or _text(self.payload.get("userId"))

    @property
    def payload(self) -> dict[str, Any]:
        return as_object(self.raw.get("payload"))

    @property
    def uuid(self) -> str | None:
        """The uuid its conversion bears: the mapped one, by default the messageId."""
        return _text(self.payload.get("uuid"))

    @property
    def properties(self) -> dict[str, Any]:
        return as_object(self.source_event.get("properties"))

    @property
    def source_event(self) -> dict[str, Any]:
        return as_object(self.raw.get("source_event"))

    @property
    def error(self) -> dict[str, Any]:
        """`{"name", "message", "status", "code"}`, or empty."""
        return as_object(self.raw.get("error"))

    @property
    def error_message(self) -> str | None:
        return _text(self.error.get("message"))

    @property
    def details(self) -> list[str]:
        return [item for item in as_list(self.raw.get("details")) if isinstance(item, str) and item]

    @property
    def messages(self) -> list[str]:
        """Every message of the report, Segment's own text first."""
        own, details = self.error_message, self.details
        # Several validation messages make one error text: they are told one by one.
        if own is None or (details and all(message in own for message in details)):
            return details
        return list(dict.fromkeys([own, *details]))

    @property
    def reasons(self) -> list[str]:
        """The forwarder's own sentences, without the text of Segment's error."""
        return [message for message in self.details if message != self.error_message]

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return objects(self.raw.get("attempts"))

    @property
    def mappings(self) -> list[dict[str, Any]]:
        return objects(self.raw.get("mappings"))

    @property
    def stages(self) -> list[dict[str, Any]]:
        """What the stages between source and mapping did, in their order; only those that are configured."""
        return objects(self.raw.get("stages"))

    @property
    def warnings(self) -> list[Note]:
        return [
            note(str(item["code"]), str(item["message"]))
            for item in objects(self.raw.get("warnings"))
            if "code" in item and "message" in item
        ]

    @property
    def received_at(self) -> int | None:
        return self.time(self.raw, "received_at")

    @property
    def retry_at(self) -> int | None:
        """When the next attempt is due, epoch milliseconds; None when there will be none."""
        return self.time(self.attempts[-1], "retry_at") if self.attempts else None

    def requests_to(self, surface: str) -> list[dict[str, Any]]:
        """The requests it made to "datafile", "events" or "privacy", in order."""
        return [request for request in objects(self.raw.get("requests")) if request.get("to") == surface]

    @staticmethod
    def time(record: Mapping[str, Any], key: str) -> int | None:
        """Epoch milliseconds in a field of the report, or None."""
        value = record.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def failure_text(record: Mapping[str, Any]) -> str | None:
    """What a request or an attempt says of its failure: the text of `error`, be it an object or a plain text."""
    error = record.get("error")
    if isinstance(error, dict):
        return _text(error.get("message")) or _text(error.get("name"))
    return _text(error)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
