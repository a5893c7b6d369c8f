"""`optilocal preview` beside Segment's own package in Node: cases a second on the same cases, answers compared. And beside
itself: what a full workspace before the mappings (ten filters, a plan of 200 events, consent) adds to an event.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from bench.figures import median, paired_ratio
from bench.machine import ROOT
from bench.options import Options, folder, main
from bench.process import CannotMeasure
from bench.record import Goal, Record

NAME = "preview"
OURS, SEGMENTS = "optilocal preview", "Segment's package in Node"
BARE, FULL = "nothing before the mappings", "ten filters, a plan of 200 events, consent"
_CONFORMANCE = ROOT / "tests" / "conformance"


def measure(options: Options, record: Record) -> None:
    """Alternating: all cases through each in every round. What starting takes is measured with one case and taken off."""
    sys.path.insert(0, str(_CONFORMANCE))
    from segment_code import NotHere, install  # noqa: PLC0415  (a file of the tests, found only now)

    commands = {OURS: [sys.executable, "-m", "optilocal.scenarios", "preview"]}
    try:
        install()
        commands[SEGMENTS] = ["node", "--no-deprecation", str(_CONFORMANCE / "oracle.cjs")]
    except NotHere as error:
        record.said.append(f"{SEGMENTS}: {error}")
    with folder() as place:
        made = {
            "conformance cases": _cases(300 if options.quick else 5_000),
            "plain events": _plain(1_000 if options.quick else 20_000),
        }
        starts: dict[str, list[float]] = {}
        for kind, lines in made.items():
            rates: dict[str, list[float]] = {}
            answers = {}
            for _ in range(options.rounds):
                for name, command in commands.items():
                    none, _ = _through(command, lines[:1], place)
                    spent, answers[name] = _through(command, lines, place)
                    rates.setdefault(name, []).append(len(lines) / max(spent - none, 0.001))
                    starts.setdefault(name, []).append(none)
            for name, found in rates.items():
                record.add(f"{kind} a second", name, median(found), "/s", f"{len(lines):,} cases")
            if SEGMENTS in rates:
                differ = sum(one != other for one, other in zip(*answers.values(), strict=True))
                record.add(f"{kind} with another outcome", OURS, differ, f"of {len(lines):,}")
                by_theirs = paired_ratio(rates[OURS], rates[SEGMENTS])
                record.goals.append(Goal(f"{kind} a second, by Segment's", by_theirs, 1.0, at_least=True))
        _before_the_mappings(made["plain events"], options, record, place)
        for name, found in starts.items():
            record.add("start to end with one case", name, median(found), "s")


def _before_the_mappings(lines: Sequence[str], options: Options, record: Record, place: Path) -> None:
    """The same events with and without a workspace that lets all of them pass, in processor time."""
    from bench.batches import DATAFILE  # noqa: PLC0415

    events = [json.loads(line)["event"] for line in lines]
    given = {"consent": {"categoryPreferences": {"advertising": True, "functional": False}}}
    bare = [json.dumps({**event, "context": {**event["context"], **given}}) for event in events]
    settings = place / "workspace.json"
    settings.write_text(
        json.dumps(_workspace(sorted({event["event"] for event in events}))), encoding="utf-8"
    )
    plain = [sys.executable, "-m", "optilocal.scenarios", "preview", "--datafile", str(DATAFILE)]
    commands = {BARE: plain, FULL: [*plain, "--settings", str(settings)]}
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        answers = []
        for name, command in commands.items():
            none, _ = _processor_time(command, bare[:1], place)
            whole, outcomes = _processor_time(command, bare, place)
            spent[name].append((whole - none) / len(bare))
            answers.append(outcomes)
        if answers[0] != answers[1]:
            raise CannotMeasure("the workspace was to let every event pass, and did not")
    for name, found in spent.items():
        record.add(
            "processor time of an event", name, median(found) * 1e6, "µs", f"{len(bare):,} plain events"
        )
    by_none = paired_ratio(spent[FULL], spent[BARE])
    record.goals.append(Goal("an event with a full workspace, by one with none", by_none, 1.5))


def _processor_time(command: Sequence[str], lines: Sequence[str], place: Path) -> tuple[float, list[str]]:
    """Seconds of processor time of the whole process, and the outcome of each line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, outcomes = _through(command, lines, place)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, outcomes


def _workspace(names: Sequence[str]) -> dict[str, object]:
    """Filters that look at each event and drop none, a plan with these events among its 200, one category of consent."""
    conditions = [
        "contains(userId, 'test') or contains(userId, 'qa-')",
        "event = 'Order Completed' and properties.revenue < 0",
        "match(context.page.url, '*staging*')",
        "context.userAgent = 'bot' or contains(context.userAgent, 'crawler')",
        "properties.currency in ['XXX', 'XTS']",
        "!(type = 'track')",
        "length(userId) > 64",
        "lowercase(properties.source) = 'internal'",
        "typeof(properties.quantity) = 'string'",
        "context.traits.plan = 'demo' and !(context.traits.country = 'DE')",
    ]
    filters = [
        {"title": f"Filter {number}", "if": condition, "actions": [{"type": "DROP"}]}
        for number, condition in enumerate(conditions, 1)
    ]
    texts = ("name", "url", "category", "order_id", "currency", "product_id", "source")
    fields = {name: {"type": "string"} for name in texts} | {"revenue": {"type": "integer", "minimum": 0}}
    fields |= {name: {"type": "integer"} for name in ("quantity", "step")} | {"value": {"type": "number"}}
    planned = {"type": "object", "properties": fields}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"properties": planned, "context": {}, "traits": {}},
        "required": ["properties"],
    }
    keys = [*names, *(f"Planned Event {number}" for number in range(200 - len(names)))]
    rules = [{"type": "TRACK", "key": key, "jsonSchema": schema, "version": 1} for key in keys]
    track = {
        "allowUnplannedEvents": False,
        "allowUnplannedEventProperties": False,
        "allowEventOnViolations": False,
    }
    return {
        "filters": filters,
        "consent": {"categories": ["advertising"]},
        "schema": {"plan": {"rules": rules}, "settings": {"track": track}},
    }


def _through(command: Sequence[str], lines: Sequence[str], place: Path) -> tuple[float, list[str]]:
    """Seconds of the whole process, and the outcome of each line."""
    given, got = place / "cases.jsonl", place / "answers.jsonl"
    given.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with given.open("rb") as stdin, got.open("wb") as stdout:
        began = time.perf_counter()
        done = subprocess.run(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=_environment(),
            check=False,
        )
        spent = time.perf_counter() - began
    outcomes = [json.loads(line)["outcome"] for line in got.read_text(encoding="utf-8").split("\n") if line]
    if done.returncode or len(outcomes) != len(lines):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CannotMeasure(
            f"{command[0]} answered {len(outcomes)} of {len(lines)}; {said[-1] if said else ''}"
        )
    return spent, outcomes


def _environment() -> dict[str, str]:
    return {**os.environ, "TZ": "UTC", "PYTHONIOENCODING": "utf-8"}


def _cases(count: int) -> list[str]:
    """Cases of the conformance tests: whole events, whatever they look like, always the same."""
    from event_cases import lines  # noqa: PLC0415
    from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: PLC0415
    from hypothesis.errors import HypothesisWarning  # noqa: PLC0415
    from json_values import as_text  # noqa: PLC0415

    found: list[str] = []

    @seed(7)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(lines(["track", "track", "mapping", "fql", "delete"]))
    def collect(line: dict[str, object]) -> None:
        found.append(as_text(line))

    with warnings.catch_warnings(), contextlib.suppress(StopIteration):
        warnings.simplefilter("ignore", HypothesisWarning)
        collect()
    return found[:count]


def _plain(count: int) -> list[str]:
    """What people really send: a handful of events of a shop with its datafile."""
    from bench.batches import DATAFILE, source_events, visitor  # noqa: PLC0415

    datafile = json.loads(DATAFILE.read_text(encoding="utf-8"))
    kinds = [{"type": "track", "timestamp": "2026-01-15T10:00:00.000Z", **event} for event in source_events()]
    made = []
    for number in range(count):
        event = {
            **kinds[number % len(kinds)],
            "userId": visitor(number),
            "messageId": f"message-{number:08d}",
        }
        made.append(json.dumps({"id": number, "event": event, "datafile": datafile}, separators=(",", ":")))
    return made


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
