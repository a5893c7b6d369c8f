"""Reading single fields of an event batch: each reader notes what breaks the Event API's schema and keeps
what it can.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from optilocal.emulator.batch.row import Note, note
from optilocal.emulator.batch.timestamp import ahead, in_bounds, outside

INT64 = 2**63
NESTED_TAG = "nested_tag"
# The reserved tag of event properties: an object of texts, numbers and booleans,
# https://docs.developers.optimizely.com/feature-experimentation/docs/include-event-tags
EVENT_PROPERTIES = "$opt_event_properties"

# A string that starts with this mark carries typed JSON after it (docs/optimizely.md, "Event API").
TYPED_MARK = "\ue000"

_SCALAR = (str, int, float)

# A small stand-in for the industry's list of bots, which is not public (docs/optimizely.md, "Counting").
# "Cubot" makes phones.
BOT_PATTERN = re.compile(
    r"(?<!cu)bot\b|crawl|spider|headless|slurp|phantomjs|lighthouse|facebookexternalhit|pingdom|uptime", re.I
)

# Only a browser's own User-Agent header says something of the visitor; a server SDK's names the server.
BROWSER_CLIENTS = frozenset({"javascript-sdk", "react-sdk", "js"})


class Findings:
    """All violations and warnings of one batch, in the order they were found."""

    def __init__(self) -> None:
        self.violations: list[Note] = []
        self.warnings: list[Note] = []

    def violation(self, code: str, path: str, message: str) -> Note:
        """Note a breach of the schema; the same note also serves as a row's problem."""
        entry = note(code, message, path or None)
        self.violations.append(entry)
        return entry

    def warning(self, code: str, path: str, message: str) -> Note:
        """Note what is allowed but worth knowing."""
        entry = note(code, message, path or None)
        self.warnings.append(entry)
        return entry


def type_name(value: object) -> str:
    """The JSON type of a parsed value, with its article."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def join(path: str, key: str) -> str:
    """`path.key`, or the key alone at the top."""
    return f"{path}.{key}" if path else key


def required_text(
    obj: Mapping[str, Any], key: str, path: str, findings: Findings, problems: list[Note]
) -> str | None:
    """A required, non-empty string; else a violation and a problem. A number is still shown as text."""
    value = obj.get(key)
    if isinstance(value, str) and value:
        return value
    where = join(path, key)
    if key not in obj:
        problems.append(findings.violation("missing_field", where, f"{where} is required"))
    elif not isinstance(value, str):
        message = f"{where} must be a string, it is {type_name(value)}"
        problems.append(findings.violation("wrong_type", where, message))
    else:
        problems.append(findings.violation("empty_field", where, f"{where} must not be empty"))
    readable = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if readable else None


def required_id(
    obj: Mapping[str, Any], key: str, path: str, findings: Findings, problems: list[Note]
) -> str | None:
    """A required id. A whole number, as the JavaScript SDK and Segment send it when the datafile's ids are numbers, is a
    violation that counts all the same; anything else but a string is a problem too.
    """
    return required_text(obj, key, path, findings, [] if _is_whole(obj.get(key)) else problems)


def optional_id(obj: Mapping[str, Any], key: str, path: str, findings: Findings) -> str | None:
    """An id that may be absent; a whole number is a violation and read as text."""
    read = optional_text(obj, key, path, findings)
    value = obj.get(key)
    return str(value) if _is_whole(value) else read


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def optional_text(obj: Mapping[str, Any], key: str, path: str, findings: Findings) -> str | None:
    """A string that may be absent; of any other type it is a violation, and read as absent."""
    value = obj.get(key)
    if isinstance(value, str):
        return value
    if key in obj:
        where = join(path, key)
        findings.violation("wrong_type", where, f"{where} must be a string, it is {type_name(value)}")
    return None


def optional_boolean(obj: Mapping[str, Any], key: str, path: str, findings: Findings) -> bool | None:
    """A boolean that may be absent; of any other type it is a violation, and read as absent."""
    value = obj.get(key)
    if key in obj and not isinstance(value, bool):
        where = join(path, key)
        findings.violation("wrong_type", where, f"{where} must be a boolean, it is {type_name(value)}")
    return value if isinstance(value, bool) else None


def items(
    obj: Mapping[str, Any], key: str, path: str, findings: Findings, *, required: bool
) -> list[tuple[str, dict[str, Any]]]:
    """The objects of an array with their paths; an entry that is not an object is a violation and left out."""
    where = join(path, key)
    value = obj.get(key)
    if not isinstance(value, list):
        if key in obj:
            findings.violation("wrong_type", where, f"{where} must be an array, it is {type_name(value)}")
        elif required:
            findings.violation("missing_field", where, f"{where} is required")
        return []
    readable = []
    for index, item in enumerate(value):
        place = f"{where}[{index}]"
        if isinstance(item, dict):
            readable.append((place, item))
        else:
            findings.violation("wrong_type", place, f"{place} must be an object, it is {type_name(item)}")
    return readable


def timestamp(
    event: Mapping[str, Any], path: str, received_at: int, findings: Findings, problems: list[Note]
) -> int | None:
    """Epoch milliseconds as sent, never corrected: a fraction, or a time out of bounds, is a problem."""
    where = join(path, "timestamp")
    value = event.get("timestamp")
    if "timestamp" not in event:
        problems.append(findings.violation("missing_field", where, f"{where} is required"))
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{where} must be an integer (epoch milliseconds), it is {type_name(value)}"
        problems.append(findings.violation("wrong_type", where, message))
        return None
    if not -INT64 <= value < INT64:
        problems.append(findings.violation("out_of_range", where, f"{where} does not fit in 64 bits"))
        return None
    if value != int(value):
        message = f"{where} must be a whole number of milliseconds, it is {value}"
        problems.append(findings.violation("timestamp_not_integer", where, message))
    if not in_bounds(int(value), received_at):
        message = f"{where} {outside(value, received_at)}"
        problems.append(findings.warning("timestamp_out_of_bounds", where, message))
        return int(value)
    odd = ahead(int(value), received_at)
    if odd is not None:
        findings.warning("timestamp_in_future", where, odd)
    return int(value)


def integer(event: Mapping[str, Any], key: str, path: str, findings: Findings) -> int | None:
    """A 64-bit integer that may be absent; anything else (19.99, "20", null) is a violation, and read as absent."""
    value = event.get(key)
    if key not in event:
        return None
    if type(value) is int and -INT64 <= value < INT64:
        return value
    where = join(path, key)
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if whole and isinstance(value, int | float) and -INT64 <= value < INT64:
        return int(value)
    shown = (
        json.dumps(value, ensure_ascii=False)[:40] if not isinstance(value, list | dict) else type_name(value)
    )
    unit = " (hundredths of the currency unit)" if key == "revenue" else ""
    findings.violation(f"{key}_not_integer", where, f"{where} must be an integer{unit}, it is {shown}")
    return None


def number(event: Mapping[str, Any], key: str, path: str, findings: Findings) -> int | float | None:
    """A number that may be absent; anything else, and a number beyond a double, is a violation and read as absent."""
    value = event.get(key)
    if key not in event:
        return None
    where = join(path, key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        findings.violation("wrong_type", where, f"{where} must be a number, it is {type_name(value)}")
        return None
    try:
        fits = abs(float(value)) != float("inf")
    except OverflowError:
        fits = False
    if not fits:
        findings.violation("out_of_range", where, f"{where} is beyond the range of a double")
        return None
    return value if abs(value) < INT64 else float(value)


def tags(event: Mapping[str, Any], path: str, findings: Findings) -> dict[str, Any]:
    """`tags`, or else their newer sibling `properties`; what is nested or null is kept and noted."""
    for key in ("tags", "properties"):
        if key not in event:
            continue
        where, value = join(path, key), event[key]
        if not isinstance(value, dict):
            findings.violation("wrong_type", where, f"{where} must be an object, it is {type_name(value)}")
            continue
        for name, tag in value.items():
            if not isinstance(tag, _SCALAR):
                _note_tag(name, tag, where, findings)
        return {
            name: typed_value(tag, join(where, name), findings) if _is_marked(tag) else tag
            for name, tag in value.items()
        }
    return {}


def _note_tag(name: str, tag: object, path: str, findings: Findings) -> None:
    """Note a tag that is none of text, number and boolean; only the reserved one for event properties may be an object."""
    where = join(path, name)
    if name == EVENT_PROPERTIES and isinstance(tag, dict):
        for inner, value in tag.items():
            if not isinstance(value, _SCALAR):
                _note_tag(inner, value, where, findings)
        return
    code = NESTED_TAG if isinstance(tag, dict | list) else "tag_type"
    message = f"{where} must be a string, number or boolean, it is {type_name(tag)}"
    findings.violation(code, where, message)


def _is_marked(value: object) -> bool:
    return isinstance(value, str) and value.startswith(TYPED_MARK)


def typed_value(value: object, path: str, findings: Findings) -> Any:
    """The value that a marked string carries; any other value as it is."""
    if not isinstance(value, str) or not _is_marked(value):
        return value
    try:
        return json.loads(value[1:])
    except (ValueError, RecursionError):
        findings.violation("typed_value", path, f"{path} starts with U+E000 but no valid JSON follows it")
        return value


def attributes(visitor: Mapping[str, Any], path: str, findings: Findings) -> list[dict[str, Any]]:
    """The visitor's attributes as `{entity_id, key, type, value}`, the Web snippet's short names too."""
    read = []
    for where, item in items(visitor, "attributes", path, findings, required=False):
        if "value" not in item and "type" not in item and "v" in item:
            short = {
                "entity_id": item.get("e"),
                "key": item.get("k"),
                "type": item.get("t"),
                "value": item["v"],
            }
            findings.violation("compact_form", where, f"{where} is in the Web snippet's compact form")
            read.append(short)
            continue
        kind, value = item.get("type"), item.get("value")
        entity_id, key = item.get("entity_id"), item.get("key")
        # Of three texts and a plain value there is nothing to note.
        texts = kind == "custom" and type(entity_id) is type(key) is str and entity_id and key
        if not texts or not isinstance(value, _SCALAR):
            _note_attribute(item, where, findings)
        if _is_marked(value):
            value = typed_value(value, join(where, "value"), findings)
        read.append({"entity_id": entity_id, "key": key, "type": kind, "value": value})
    return read


def _note_attribute(item: Mapping[str, Any], where: str, findings: Findings) -> None:
    """Note what is missing in an attribute, or of the wrong type."""
    ignored: list[Note] = []
    kind = required_text(item, "type", where, findings, ignored)
    if kind == "custom":
        required_text(item, "entity_id", where, findings, ignored)
        required_text(item, "key", where, findings, ignored)
    elif kind and item.get("entity_id") is not None:
        message = f"{where}.entity_id is allowed only with type custom, not with {kind}"
        findings.violation("not_allowed", join(where, "entity_id"), message)
    value = item.get("value")
    if "value" not in item:
        findings.violation("missing_field", join(where, "value"), f"{where}.value is required")
    elif not isinstance(value, _SCALAR):
        message = f"{where}.value must be a string, number or boolean, it is {type_name(value)}"
        findings.violation("wrong_type", join(where, "value"), message)


def attribute(attributes_read: list[dict[str, Any]], key: str) -> Any:
    """The value of the attribute of this key, or None."""
    return next((item["value"] for item in attributes_read if item["key"] == key), None)


def looks_like_bot(user_agent: object) -> bool:
    """Whether a User-Agent text names a bot."""
    return isinstance(user_agent, str) and BOT_PATTERN.search(user_agent) is not None
