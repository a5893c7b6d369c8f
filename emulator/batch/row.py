"""The plain rows that travel through the emulator: what one decision or one conversion looks like once it is read."""

from typing import Any, Literal, NotRequired, TypedDict

from optilocal.emulator.batch.timestamp import in_bounds

Kind = Literal["decision", "conversion"]


class Note(TypedDict):
    """A slug and a sentence; `path` is the place in the event batch, as `visitors[0].visitor_id`."""

    code: str
    message: str
    path: NotRequired[str]


class EventRow(TypedDict):
    """One decision or conversion, as "Event" in docs/shapes.md describes it.

    Times are epoch milliseconds, UTC; `revenue` is integer cents. What could not be read is None. `problems`
    say why the row will not count, whatever else happens; `warnings` what it counts in spite of. The journal
    assigns `number`, `namespace` and `exchange`. `sent_to` is the host of Optimizely's that the batch was sent to; None
    when the sender was pointed at an emulator.
    """

    kind: Kind
    visitor_id: str | None
    account_id: str | None
    uuid: str | None
    key: str | None
    entity_id: str | None
    timestamp: int | None
    revenue: int | None
    value: int | float | None
    quantity: int | None
    tags: dict[str, Any]
    attributes: list[dict[str, Any]]
    experiment_id: str | None
    variation_id: str | None
    campaign_id: str | None
    holdback: bool
    rule_type: str | None
    flag_key: str | None
    rule_key: str | None
    variation_key: str | None
    cmab_uuid: str | None
    client_name: str | None
    sent_to: str | None
    user_agent_bot: bool
    received_at: int
    problems: list[Note]
    warnings: list[Note]
    number: NotRequired[int]
    namespace: NotRequired[str]
    exchange: NotRequired[int]


def note(code: str, message: str, path: str | None = None) -> Note:
    """A note, with its path when there is one."""
    if path is None:
        return {"code": code, "message": message}
    return {"code": code, "message": message, "path": path}


def event_time(row: EventRow) -> int:
    """The time a row is judged by: the client's timestamp; its arrival when no clock can have shown that timestamp."""
    timestamp, received_at = row["timestamp"], row["received_at"]
    return received_at if timestamp is None or not in_bounds(timestamp, received_at) else timestamp
