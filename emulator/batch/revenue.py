"""Revenue and value in the tags that do not count in full: the event has no such field of its own, or another number.

Optimizely's SDKs put what the application passed into the tags, and copy only what they take for a number into the
event's own fields: Python drops a text, a boolean and a number with a decimal point, JavaScript cuts a fraction off
(https://github.com/optimizely/python-sdk/blob/master/optimizely/helpers/event_tag_utils.py,
https://github.com/optimizely/javascript-sdk/blob/master/lib/utils/event_tag_utils/index.ts).
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from optilocal.emulator.batch.fields import Findings, type_name
from optilocal.emulator.batch.row import EventRow, Note

_LONGEST = 40


def lost_in_tags(event: Mapping[str, Any], row: EventRow, path: str, findings: Findings) -> list[Note]:
    """What the tags of one conversion say of revenue and value beyond what its own fields do."""
    notes = []
    for key in ("revenue", "value"):
        meant = row["tags"].get(key)
        # A field of the wrong type has been noted where it was read.
        if meant is None or meant == "" or meant == row[key]:
            continue
        if event.get(key) is None or row[key] is not None:
            notes += _lost(key, meant, row[key], f"{path}.tags.{key}", findings)
    return notes


def _lost(key: str, meant: object, counted: int | float | None, path: str, findings: Findings) -> list[Note]:
    number = _number(meant)
    shown = json.dumps(meant, ensure_ascii=False, default=str)[:_LONGEST]
    if counted is None and key == "revenue" and type(meant) is int:
        message = (
            f"the tags say revenue {shown}, but the event has no revenue of its own; only that field counts"
        )
        return [findings.warning("revenue_only_in_tags", path, message)]
    if counted is None and key == "value" and number is not None and not isinstance(meant, bool):
        message = f"the tags say value {shown}, but the event has no value of its own; only that field counts"
        return [findings.warning("value_only_in_tags", path, message)]
    if counted is None:
        whole = "a whole number of cents" if key == "revenue" else "a number"
        message = f"the tags say {key} {shown}, {_kind(meant)}, where {whole} is wanted; the event counts without {key}"
        return [findings.warning(f"{key}_lost", path, message)]
    if key == "revenue" and number is not None and number != counted and int(number) == counted:
        message = f"the tags say revenue {shown}, which is not a whole number of cents; {counted} is counted"
        return [findings.warning("revenue_lost", path, message)]
    return []


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "a text"
    return "a number with a decimal point" if isinstance(value, float) else type_name(value)


def _number(value: object) -> float | None:
    """A number, or the one that a text spells; None for anything else, and for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None
