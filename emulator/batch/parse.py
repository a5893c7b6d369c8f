"""The bytes of one `POST /v1/events` → event batch with every violation found; batch → decisions and conversions."""

import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

import msgspec

from optilocal.emulator.batch import fields
from optilocal.emulator.batch.fields import Findings
from optilocal.emulator.batch.row import EventRow, Note
from optilocal.emulator.batch.visitor import Sender, besides, read_visitor
from optilocal.emulator.json_text import NOT_STRICT, decode_strictly

_MAX_DEPTH = 200
# Digits of the longest integer that Python reads.
_LONGEST_NUMBER = 4_300
_LONG_NUMBER = re.compile(rb"\d{4300}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_HUGE_NUMBER = re.compile(r"[eE]\+?\d{3}|\d{309}")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class _Object(msgspec.Struct):
    """Any JSON object: the decoder checks the grammar and skips the content."""


US_HOST, EU_HOST = "logx.optimizely.com", "eu.logx.optimizely.com"
EVENT_HOSTS = (US_HOST, EU_HOST)
"""The hosts of the Event API, https://docs.developers.optimizely.com/feature-experimentation/reference/event-api."""

_skip = msgspec.json.Decoder(_Object).decode


class ParsedBatch(NamedTuple):
    """One request body, read as far as it can be. `batch` is None when the body is not a JSON object.

    `rows` are its decisions and conversions in the order they occur, within a snapshot decisions first: of two with
    one uuid the first counts, as it would had the batch been split between them.
    """

    batch: dict[str, Any] | None
    is_object: bool
    violations: tuple[Note, ...]
    warnings: tuple[Note, ...]
    rows: tuple[EventRow, ...]

    @property
    def decisions(self) -> tuple[EventRow, ...]:
        """Its decisions alone."""
        return tuple(row for row in self.rows if row["kind"] == "decision")

    @property
    def conversions(self) -> tuple[EventRow, ...]:
        """Its conversions alone."""
        return tuple(row for row in self.rows if row["kind"] == "conversion")


def parse(body: bytes, *, headers: Mapping[str, str], received_at: int) -> ParsedBatch:
    """Read an unpacked body; `received_at` is epoch milliseconds. Never raises for what was sent.

    The Content-Type is not looked at: senders post JSON as text/plain too (docs/optimizely.md, "Event API").
    """
    findings = Findings()
    batch, rows = regular(body), []
    if batch is None:
        batch = _read_object(_decode(body, findings), findings)
    if batch is not None:
        rows = _read_batch(batch, headers, received_at, findings)
    return ParsedBatch(
        batch=batch,
        is_object=batch is not None,
        violations=tuple(findings.violations),
        warnings=tuple(findings.warnings),
        rows=tuple(rows),
    )


def regular(body: bytes | bytearray) -> dict[str, Any] | None:
    """The JSON object in a strictly valid body; None where the thorough reader has to say what is wrong."""
    try:
        batch = decode_strictly(body)
    except NOT_STRICT:
        return None
    # What has no more brackets than levels allowed cannot be too deep.
    if body.count(b"{") + body.count(b"[") > _MAX_DEPTH and _deeper_than(batch, _MAX_DEPTH):
        return None
    return batch if isinstance(batch, dict) else None


def is_plain_object(body: bytes | bytearray) -> bool:
    """Whether a body is certainly a JSON object, by its grammar alone; when False, `parse` decides."""
    try:
        _skip(body)
    except NOT_STRICT:
        return False
    if body.count(b"{") + body.count(b"[") > _MAX_DEPTH:
        return regular(body) is not None
    return len(body) < _LONGEST_NUMBER or _LONG_NUMBER.search(body) is None


def strict(parsed: ParsedBatch) -> list[Note]:
    """The violations for which a request with `X-Optimizely-Strict: true` is answered 400."""
    return list(parsed.violations)


def _decode(body: bytes, findings: Findings) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Java's dispatcher posts with ISO-8859-1 as its default (docs/optimizely.md, "Event API").
        findings.warning("latin_1", "", "the body is not UTF-8 and was read as Latin-1; send UTF-8")
        return body.decode("latin-1")


def _read_object(text: str, findings: Findings) -> dict[str, Any] | None:
    if not text.strip():
        findings.violation("not_json", "", "the body is empty")
        return None
    try:
        batch = _load(text, findings)
    except ValueError as error:
        findings.violation("not_json", "", f"the body is not JSON: {error}")
        return None
    if not isinstance(batch, dict):
        message = f"the body must be a JSON object, it is {fields.type_name(batch)}"
        findings.violation("not_an_object", "", message)
        return None
    return batch


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _load(text: str, findings: Findings) -> Any:
    """The parsed body. Raises ValueError, with a short reason, when it is not valid JSON or nested too deeply."""
    read_float = _bounded(findings) if _HUGE_NUMBER.search(text) else None
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=read_float)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _deeper_than(value, _MAX_DEPTH):
        raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")
    if _SURROGATE_ESCAPE.search(text):
        dumped = json.dumps(value, ensure_ascii=False)
        if _LONE_SURROGATE.search(dumped):
            message = "half of a surrogate pair stands alone; it was replaced by U+FFFD"
            findings.warning("lone_surrogate", "", message)
            value = json.loads(_LONE_SURROGATE.sub("\ufffd", dumped))
    return value


def _bounded(findings: Findings) -> Callable[[str], float]:
    """A reader of numbers with a point or an exponent that never gives infinity, which JSON cannot hold."""

    def read(text: str) -> float:
        value = float(text)
        if not math.isinf(value):
            return value
        findings.warning("number_too_large", "", f"the number {text[:40]} is beyond the range of a double")
        return math.copysign(sys.float_info.max, value)

    return read


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        if not deeper:
            return False
        level = deeper
    return True


def _read_batch(
    batch: dict[str, Any], headers: Mapping[str, str], received_at: int, findings: Findings
) -> list[EventRow]:
    problems: list[Note] = []
    breaches = len(findings.violations)
    account_id = fields.required_id(batch, "account_id", "", findings, problems)
    client_name = fields.optional_text(batch, "client_name", "", findings)
    given = {name.lower(): value for name, value in headers.items()}
    host = given.get("host", "").partition(":")[0].lower()
    enriched = fields.optional_boolean(batch, "enrich_decisions", "", findings) is True
    for key in ("project_id", "client_version", "revision", "region"):
        fields.optional_text(batch, key, "", findings)
    fields.optional_boolean(batch, "anonymize_ip", "", findings)
    sender = Sender(
        account_id=account_id,
        client_name=client_name,
        enriched=enriched,
        user_agent=given.get("user-agent"),
        sent_to=host if host in EVENT_HOSTS else None,
        received_at=received_at,
        problems=tuple(problems),
        warnings=tuple(besides(problems, findings.violations[breaches:])),
    )
    rows: list[EventRow] = []
    for path, visitor in fields.items(batch, "visitors", "", findings, required=True):
        rows += read_visitor(visitor, path, sender, findings)
    return rows
