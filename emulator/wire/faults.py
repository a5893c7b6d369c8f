"""Fault rules: which request is made to fail, when and how; deterministic, counted in the journal."""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optilocal.emulator.journal.interface import Journal

KIND = "faults"
SURFACES = ("events", "datafile", "privacy", "predictions")
BREAKS = ("reset", "hang_up", "truncate", "garbage")
DEFAULTS: Mapping[str, Any] = {
    "phase": "before",
    "status": None,
    "body": None,
    "headers": {},
    "latency_ms": 0,
    "break": None,
    "skip": 0,
    "times": None,
    "chance": 1.0,
    "seed": 0,
}
FIELDS = ("on", *DEFAULTS)
MAX_RULES = 100
MAX_LATENCY_MS = 60_000
COUNTERS = ("seen", "applied")
# What a client library could not even receive, or what the server itself must decide.
_OWN_HEADERS = ("content-length", "transfer-encoding", "connection")


class FaultError(ValueError):
    """A rule that cannot be used; the text is one line that names the rule and the field."""


def parse_rules(rules: object) -> list[dict[str, Any]]:
    """Complete rules with their counters at zero, from a list of rules. Raises FaultError."""
    if isinstance(rules, Mapping) and set(rules) == {"faults"}:
        rules = rules["faults"]
    if not isinstance(rules, list):
        raise FaultError('faults are a list of rules, such as [{"on": "events", "status": 503, "times": 2}]')
    if len(rules) > MAX_RULES:
        raise FaultError(f"at most {MAX_RULES} rules, not {len(rules)}")
    return [_rule(rule, f"rule {index}") for index, rule in enumerate(rules)]


def _rule(fields: object, where: str) -> dict[str, Any]:
    if not isinstance(fields, Mapping):
        raise FaultError(f"{where} is not an object")
    unknown = [
        name for name in fields if name not in FIELDS and name not in (*COUNTERS, "namespace", "active")
    ]
    if unknown:
        raise FaultError(f"{where}: unknown field {unknown[0]!r}; known are {', '.join(FIELDS)}")
    if fields.get("on") not in SURFACES:
        raise FaultError(f'{where}: "on" must be one of {", ".join(SURFACES)}')
    rule = {"on": fields["on"]} | {name: fields.get(name, default) for name, default in DEFAULTS.items()}
    checks = {
        "phase": (rule["phase"] in ("before", "after"), '"before" or "after"'),
        "status": (
            rule["status"] is None or _whole(rule["status"], 200, 599),
            "a number from 200 to 599, or null",
        ),
        "body": (rule["body"] is None or isinstance(rule["body"], str), "a text, or null"),
        "headers": (_headers(rule["headers"]), "an object of texts, without line breaks and framing headers"),
        "latency_ms": (_whole(rule["latency_ms"], 0, MAX_LATENCY_MS), f"a number from 0 to {MAX_LATENCY_MS}"),
        "break": (rule["break"] is None or rule["break"] in BREAKS, f"one of {', '.join(BREAKS)}, or null"),
        "skip": (_whole(rule["skip"], 0, 10**9), "a number, 0 or more"),
        "times": (rule["times"] is None or _whole(rule["times"], 0, 10**9), "a number, 0 or more, or null"),
        "chance": (_chance(rule["chance"]), "a number from 0 to 1"),
        "seed": (_whole(rule["seed"], -(2**62), 2**62), "a whole number"),
    }
    for name, (fine, wanted) in checks.items():
        if not fine:
            raise FaultError(f'{where}: "{name}" must be {wanted}, not {fields.get(name)!r:.60}')
    if rule["headers"] is None:
        rule["headers"] = {}
    return rule | dict.fromkeys(COUNTERS, 0)


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _chance(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _headers(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, Mapping):
        return False
    return all(
        isinstance(text, str)
        and name.replace("-", "").replace("_", "").isalnum()
        and name.isascii()
        and name.lower() not in _OWN_HEADERS
        and text.isascii()
        and text.isprintable()
        for name, text in value.items()
    )


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
    journal: "Journal", namespace: str, surface: str, count: int = 1, *, patient: bool = True
) -> list[dict[str, Any] | None]:
    """Count some requests on a surface; the rule that applies to each, or None.

    Raises JournalBusyError for who is not `patient` while another process writes.
    """
    rules = journal.document(KIND, namespace)
    if not rules or all(rule["on"] != surface for rule in rules):
        return [None] * count
    applied: list[dict[str, Any] | None] = []

    def counted(current: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        applied.clear()
        rules = current or []
        for _ in range(count):
            rules, rule = choose(rules, surface)
            applied.append(rule)
        return rules

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
