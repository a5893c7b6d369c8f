"""An event batch about which there is nothing to note, read at once by its types; anything else is left to `parse`.

It knows no rule of its own: what it reads, `parse` reads alike, and a test holds the two against each other.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from optilocal.emulator.batch.fields import (
    BROWSER_CLIENTS,
    DAY,
    INT64,
    NANOSECONDS_FROM,
    TYPED_MARK,
    YEAR_2010,
    attribute,
    looks_like_bot,
)
from optilocal.emulator.batch.row import EventRow, conversion_row
from optilocal.emulator.batch.visitor import ACTIVATION, KNOWN_TYPES, SNIPPET_START
from optilocal.emulator.json_text import NOT_STRICT

_Text = str | UnsetType
_Scalar = str | int | float | bool


class _Attribute(Struct):
    entity_id: str
    key: str
    type: str
    value: _Scalar


class _Metadata(Struct, frozen=True):
    rule_type: _Text = UNSET
    flag_key: _Text = UNSET
    rule_key: _Text = UNSET
    variation_key: _Text = UNSET


class _Decision(Struct):
    campaign_id: str | None
    experiment_id: str | None
    variation_id: str | None
    is_campaign_holdback: bool = False
    metadata: _Metadata = _Metadata()


class _Event(Struct):
    uuid: str
    timestamp: int
    entity_id: str | UnsetType | None = UNSET
    key: _Text = UNSET
    type: str | None = None
    revenue: int | UnsetType = UNSET
    value: int | float | UnsetType = UNSET
    quantity: int | UnsetType = UNSET
    tags: dict[str, _Scalar] | UnsetType = UNSET
    properties: Any = UNSET


class _Snapshot(Struct):
    events: list[_Event]
    decisions: list[_Decision] = []


class _Visitor(Struct):
    visitor_id: str
    snapshots: list[_Snapshot]
    session_id: str | None = None
    attributes: list[_Attribute] = []


class _Batch(Struct):
    account_id: str
    visitors: list[_Visitor]
    client_name: _Text = UNSET
    enrich_decisions: bool = False
    anonymize_ip: bool | UnsetType = UNSET
    project_id: _Text = UNSET
    client_version: _Text = UNSET
    revision: _Text = UNSET
    region: _Text = UNSET


_decode = msgspec.json.Decoder(_Batch).decode


class _Odd(Exception):
    """There is something to note about this batch."""


def read_regular(body: bytes, headers: Mapping[str, str], received_at: int) -> list[EventRow] | None:
    """The rows of a batch that breaks no rule and gives no warning; None for every other body."""
    try:
        batch = _decode(body)
        return _Reader(batch, headers, received_at).rows
    except (_Odd, *NOT_STRICT):
        return None


class _Reader:
    def __init__(self, batch: _Batch, headers: Mapping[str, str], received_at: int) -> None:
        _demand(batch.account_id)
        self.rows: list[EventRow] = []
        self._batch = batch
        self._client = _or_none(batch.client_name)
        self._received_at = received_at
        self._latest = min(received_at + DAY, NANOSECONDS_FROM)
        for visitor in batch.visitors:
            self._visitor(visitor, headers)

    def _visitor(self, visitor: _Visitor, headers: Mapping[str, str]) -> None:
        _demand(visitor.visitor_id)
        attributes = []
        for each in visitor.attributes:
            _demand(each.type == "custom" and each.entity_id and each.key and not _is_marked(each.value))
            attributes.append(
                {"entity_id": each.entity_id, "key": each.key, "type": each.type, "value": each.value}
            )
        agent = attribute(attributes, "$opt_user_agent")
        if agent is None and self._client in BROWSER_CLIENTS:
            agent = next((value for name, value in headers.items() if name.lower() == "user-agent"), None)
        bot = looks_like_bot(agent)
        for snapshot in visitor.snapshots:
            self._snapshot(snapshot, visitor.visitor_id, attributes, bot)

    def _snapshot(
        self, snapshot: _Snapshot, visitor_id: str, attributes: list[dict[str, Any]], bot: bool
    ) -> None:
        conversions: list[EventRow] = []
        claimed: set[int] = set()
        for event in snapshot.events:
            row = self._event(event, visitor_id, attributes, bot)
            if ACTIVATION in (event.type, event.key):
                own = [
                    index
                    for index, decision in enumerate(snapshot.decisions)
                    if (decision.campaign_id or None) == (row["entity_id"] or None)
                ]
                _demand(own)
                claimed.update(own)
                self.rows += [_decided(row, snapshot.decisions[index]) for index in own]
            else:
                conversions.append(_converted(row, event.type))
        _demand(len(claimed) == len(snapshot.decisions))
        _demand(not conversions or claimed or self._batch.enrich_decisions)
        self.rows += conversions

    def _event(self, event: _Event, visitor_id: str, attributes: list[dict[str, Any]], bot: bool) -> EventRow:
        _demand(event.uuid and event.type != SNIPPET_START and event.properties is UNSET)
        _demand(YEAR_2010 <= event.timestamp <= self._latest)
        tags = {} if event.tags is UNSET else event.tags
        _demand(not any(map(_is_marked, tags.values())))
        revenue, value, quantity = _or_none(event.revenue), _or_none(event.value), _or_none(event.quantity)
        for number in (revenue, value, quantity):
            _demand(number is None or -INT64 < number < INT64)
        return conversion_row(
            visitor_id=visitor_id,
            account_id=self._batch.account_id,
            uuid=event.uuid,
            key=_or_none(event.key),
            entity_id=_or_none(event.entity_id),
            timestamp=event.timestamp,
            revenue=revenue,
            value=value,
            quantity=quantity,
            tags=tags,
            attributes=attributes,
            client_name=self._client,
            user_agent_bot=bot,
            received_at=self._received_at,
            problems=[],
            warnings=[],
        )


def _converted(row: EventRow, kind: str | None) -> EventRow:
    _demand(kind is None or kind in KNOWN_TYPES or kind == row["key"])
    meant = row["tags"].get("revenue")
    _demand(not isinstance(meant, float) or meant.is_integer())
    if not row["key"]:
        _demand(row["entity_id"])
        row["key"] = row["entity_id"]
    return row


def _decided(row: EventRow, decision: _Decision) -> EventRow:
    made, metadata = row.copy(), decision.metadata
    made["kind"] = "decision"
    made["problems"], made["warnings"] = [], []
    made["campaign_id"] = decision.campaign_id
    made["experiment_id"] = decision.experiment_id
    made["variation_id"] = decision.variation_id
    made["holdback"] = decision.is_campaign_holdback
    made["rule_type"] = _or_none(metadata.rule_type)
    made["flag_key"] = _or_none(metadata.flag_key)
    made["rule_key"] = _or_none(metadata.rule_key)
    made["variation_key"] = _or_none(metadata.variation_key)
    return made


def _demand(fine: object) -> None:
    if not fine:
        raise _Odd


def _or_none(value: Any) -> Any:
    return None if value is UNSET else value


def _is_marked(value: object) -> bool:
    return isinstance(value, str) and value.startswith(TYPED_MARK)
