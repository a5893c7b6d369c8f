"""Warnings on revenue and value: converted to numbers on the way, in the wrong unit, or under a name not read."""

from collections.abc import Mapping
from typing import Any

from optilocal.emulator.batch.fields import type_name
from optilocal.emulator.batch.row import EventRow, Note, note
from optilocal.emulator.datafile.nearest import fold
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.wording import quoted

# What shops call an order's sum, folded; the names of Segment's ecommerce specification first,
# https://segment.com/docs/connections/spec/ecommerce/v2/
SUMS = frozenset(
    {"total", "subtotal", "amount", "ordertotal", "orderamount", "ordervalue", "totalamount", "totalprice", "grandtotal"}
    | {"carttotal", "purchaseamount", "purchasevalue", "transactiontotal", "transactionamount", "sales", "turnover"}
)  # fmt: skip


def under_other_name(conversion: EventRow, report: DeliveryReport | None) -> list[Note]:
    """A hint at what is probably the revenue of an event that has none."""
    if conversion["revenue"] is not None or any("revenue" in item["code"] for item in conversion["warnings"]):
        return []
    tags, properties = conversion["tags"], report.properties if report else {}
    amounts: Mapping[str, Any] = {**properties, **tags}
    for name, value in amounts.items():
        folded = fold(name)
        if name != "revenue" and (folded in SUMS or "revenue" in folded) and _is_amount(value):
            where = f"its property {quoted(name)}" if name in properties else f"its tag {quoted(name)}"
            message = f"The event has no revenue, but {where} is {value}; only what is sent as revenue counts as such."
            return [note("revenue_under_other_name", message)]
    return []


def _is_amount(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().replace(".", "", 1).replace(",", "").isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)


def coerced(report: DeliveryReport) -> list[Note]:
    """Revenue or value that Segment made a number of."""
    notes = []
    for key in ("revenue", "value"):
        sent, mapped = report.properties.get(key), report.payload.get(key)
        if isinstance(sent, str | bool | list):
            shown = quoted(sent) if isinstance(sent, str) else str(sent).lower()
            if isinstance(mapped, int | float):
                message = (
                    f"properties.{key} was {type_name(sent)}, {shown}, and was read as the number {mapped}."
                )
                notes.append(note(f"{key}_coerced", message))
            elif sent == "":
                notes.append(
                    note(f"{key}_dropped", f"properties.{key} was an empty text; the event has no {key}.")
                )
    return notes


def unit(report: DeliveryReport) -> list[Note]:
    """Signs that revenue was sent in the currency's unit instead of its hundredths."""
    revenue, properties = report.payload.get("revenue"), report.properties
    if not isinstance(revenue, int) or isinstance(revenue, bool) or not revenue:
        return []
    as_money = f"{revenue} is counted as {revenue / 100:.2f}"
    source = properties.get("revenue")
    if isinstance(source, float) and source != int(source):
        cents = round(source * 100)
        if revenue in (int(source), round(source)):
            message = (
                f"properties.revenue {source} became {revenue} without being multiplied by 100; {as_money}."
            )
            return [note("revenue_not_in_cents", message)]
        if 0 < abs(revenue - cents) <= 1:
            message = f"properties.revenue {source} is {cents} cents, but {revenue} were sent: one was lost in rounding."
            return [note("revenue_rounded", message)]
        return []
    same = [key for key in ("value", "total", "subtotal") if _equals(properties.get(key), revenue)]
    if not same:
        return []
    message = f"Revenue is in cents: {as_money}, yet properties.{same[0]} is {revenue} too."
    return [note("revenue_not_in_cents", message)]


def stripped(report: DeliveryReport) -> list[Note]:
    """Revenue or value among the tags that the mapping makes and Segment's destination never sends."""
    tags = report.payload.get("eventTags")
    if not isinstance(tags, dict):
        return []
    lost = [
        key
        for key in ("revenue", "value")
        if tags.get(key) not in (None, "") and report.payload.get(key) is None
    ]
    return [
        note(
            "tag_stripped",
            f"The tag {quoted(key)} is never sent, and the mapping gives the event no {key} of its own.",
        )
        for key in lost
    ]


def _equals(value: object, number: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == number
