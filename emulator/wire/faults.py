"""Fault rules: which request is made to fail, when and how; deterministic, counted in the journal."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec

if TYPE_CHECKING:
    from optilocal.emulator.journal.journal import Journal

KIND = "faults"
MAX_RULES = 100
MAX_LATENCY_MS = 60_000
COUNTERS = ("seen", "applied")
# What a client library could not even receive, or what the server itself must decide.
_HEADER = re.compile(
    r"(?!(?:content-length|transfer-encoding|connection)$)[A-Za-z0-9_-]*[A-Za-z0-9][A-Za-z0-9_-]*", re.I
)
_VALUE = re.compile(r"[\x20-\x7e]*")

Surface = Literal["events", "datafile", "privacy", "predictions"]
Break = Literal["reset", "hang_up", "truncate", "garbage"]
_SHARE = msgspec.Meta(ge=0, le=1)
_Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    on: Surface
    phase: Literal["before", "after"] = "before"
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    body: str | None = None
    headers: dict[str, str] | None = {}
    latency_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_LATENCY_MS)] = 0
    breaks: Break | None = msgspec.field(default=None, name="break")
    skip: _Count = 0
    times: _Count | None = None
    chance: Annotated[int, _SHARE] | Annotated[float, _SHARE] = 1.0
    seed: Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)] = 0


SURFACES, BREAKS = get_args(Surface), get_args(Break)
FIELDS = tuple(field.encode_name for field in msgspec.structs.fields(_Rule))


class FaultError(ValueError):
    """A rule that cannot be used; the text is one line that names the rule and the field."""


def parse_rules(rules: object) -> list[dict[str, Any]]:
    """Complete rules with their counters at zero, from a list of rules. Raises FaultError."""
    if isinstance(rules, Mapping) and set(rules) == {"faults"}:
        rules = rules["faults"]
    if not isinstance(rules, list):
        raise FaultError(
            'faults are a list of rules, such as [{"on": "events", "status": 503, "times": 2}]',
        )
    if len(rules) > MAX_RULES:
        raise FaultError(f"at most {MAX_RULES} rules, not {len(rules)}")
    return [_rule(rule, f"rule {index}") for index, rule in enumerate(rules)]


def _rule(fields: object, where: str) -> dict[str, Any]:
    if isinstance(fields, Mapping):
        # As a listing shows it.
        fields = {
            name: value for name, value in fields.items() if name not in (*COUNTERS, "namespace", "active")
        }
    try:
        rule: dict[str, Any] = msgspec.to_builtins(msgspec.convert(fields, _Rule))
    except msgspec.ValidationError as error:
        known = f"; known are {', '.join(FIELDS)}" if "unknown field" in str(error) else ""
        raise FaultError(f"{where}: {error}{known}") from None
    rule["headers"] = rule["headers"] or {}
    for name, text in rule["headers"].items():
        if not (_HEADER.fullmatch(name) and _VALUE.fullmatch(text)):
            raise FaultError(
                f'{where}: "headers" must be texts of ASCII without line breaks and framing headers',
            )
    return rule | dict.fromkeys(COUNTERS, 0)


def choose(rules: list[dict[str, Any]], surface: str) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The rules after one more request on a surface, and the rule that applies to it, or None.

    Every rule counts every request on its surface; the first that is due applies. Chance depends on seed and count alone.
    """
    applied = None
    after = []
    for rule in rules:
        if rule["on"] != surface:
            after.append(rule)
            continue
        counted = {**rule, "seen": rule["seen"] + 1}
        if applied is None and counted["seen"] > rule["skip"] and is_active(rule) and _is_lucky(counted):
            counted["applied"] += 1
            applied = counted
        after.append(counted)
    return after, applied


def _is_lucky(rule: Mapping[str, Any]) -> bool:
    chance = float(rule["chance"])
    return chance >= 1 or random.Random(f"{rule['seed']}:{rule['seen']}").random() < chance


def take(
    journal: "Journal",
    namespace: str,
    rules: Sequence[Mapping[str, Any]] | None,
    surface: str,
    count: int = 1,
    *,
    patient: bool = True,
) -> list[dict[str, Any] | None]:
    """Count some requests on a surface, where one of the namespace's `rules` is for it; the rule that applies to each, or
    None.

    Raises JournalBusyError for who is not `patient` while another process writes.
    """
    applied: list[dict[str, Any] | None] = [None] * count

    def counted(current: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        counted_rules = current or []
        for place in range(count):
            counted_rules, applied[place] = choose(counted_rules, surface)
        return counted_rules

    if any(rule["on"] == surface for rule in rules or ()):
        journal.change_document(KIND, namespace, counted, patient=patient)
    return applied


def is_active(rule: Mapping[str, Any]) -> bool:
    """Whether the rule can still apply to a request."""
    return rule["times"] is None or rule["applied"] < rule["times"]


def replaces_answer(rule: Mapping[str, Any]) -> bool:
    """Whether the client is told something else; a rule of latency or headers alone leaves the answer as it is."""
    return rule["status"] is not None or rule["body"] is not None or rule["break"] is not None


def comes_before(rule: Mapping[str, Any] | None) -> bool:
    """Whether the rule keeps the request from being handled at all."""
    return rule is not None and rule["phase"] == "before" and replaces_answer(rule)
