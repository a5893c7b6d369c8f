"""What a program's events came to: one line for people, and a result document of the kind that scenario runs have."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optilocal.interception.connection import Tally
from optilocal.scenarios.comparing.results import new_run, with_scenarios
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.reporters.files import Reports

REPORTS = {".json": "json", ".xml": "junit", ".html": "html"}
"""The ending of a report's file → what is written into it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. `verdicts` are those of events, in their order; `pending` deliveries were still on their way."""

    tally: Tally
    verdicts: Sequence[Mapping[str, Any]]
    decisions: int
    pending: int
    unknown_keys: Sequence[str] = ()
    """SDK keys that a datafile was asked for by, and none is served."""

    @property
    def conversions(self) -> list[Mapping[str, Any]]:
        """The verdicts on what was meant to count: calls of other kinds that no mapping takes are not."""
        return [row for row in self.verdicts if not _is_aside(row)]

    def line(self) -> str:
        """The numbers of caught requests, counted and lost events, decisions and refused hosts in one line."""
        tally = self.tally
        caught = sum(tally.caught.values())
        parts = [f"caught {_number(caught, 'request')}{_listed(tally.caught)}"]
        lost = Counter(row["outcome"] for row in self.conversions if row["outcome"] != "counted")
        counted = len(self.conversions) - sum(lost.values())
        parts.append(f"{_number(counted, 'event')} counted, {sum(lost.values())} lost{_listed(lost)}")
        parts.append(_number(self.decisions, "decision"))
        aside = len(self.verdicts) - len(self.conversions)
        if aside:
            parts.append(f"{_number(aside, 'other call')} that no mapping takes")
        if self.pending:
            parts.append(f"{_number(self.pending, 'delivery', 'deliveries')} still on the way")
        if self.unknown_keys:
            parts.append(f"no datafile is served for {', '.join(self.unknown_keys)} (--datafile)")
        for words, hosts in (
            ("refused by --only", tally.refused),
            ("the certificate was not accepted for", tally.distrusted),
            ("let through", tally.tunnelled),
        ):
            if hosts:
                parts.append(f"{words}: {_listed(hosts)[2:-1]}")
        if tally.unreached:
            parts.append(f"not reached: {', '.join(sorted(tally.unreached))}")
        return "; ".join(parts)

    def document(
        self, command: str, program: str, emulator: str, started_at: int, finished_at: int
    ) -> dict[str, Any]:
        """The result document (docs/shapes.md has its shape): one entry an event that was meant to count, failed where it
        does not. `command` is the whole command line, `program` what ran in it; times in epoch milliseconds.
        """
        entries = [_entry(row, command, program) for row in self.conversions]
        run = new_run(f"exec-{started_at:x}", command, emulator, started_at, len(entries))
        return with_scenarios(run, entries, finished_at)


def reports_to(files: Sequence[Path]) -> Reports:
    """The reports to be written, by the ending of each file's name. Raises CannotRun for one that says nothing."""
    chosen: dict[str, Path] = {}
    for file in files:
        kind = REPORTS.get(file.suffix.lower())
        if kind is None or kind in chosen:
            raise CannotRun(
                f"--scenario-report {file}: name one file each ending in .json (result document), .xml (JUnit) or .html"
            )
        chosen[kind] = file
    reports = Reports(chosen.get("json"), chosen.get("junit"), chosen.get("html"))
    reports.check_targets()
    return reports


def _is_aside(row: Mapping[str, Any]) -> bool:
    """A page, identify or other call that no mapping takes, so it was not meant to count."""
    kind: str = (row.get("delivery") or {}).get("type", "track")
    return kind != "track" and str(row["outcome"]) == "not_subscribed"


def _entry(row: Mapping[str, Any], command: str, program: str) -> dict[str, Any]:
    counted = row["outcome"] == "counted"
    sent = (row.get("delivery") or {}).get("source_event") or {"event": row["event_key"], "uuid": row["uuid"]}
    difference = {
        "where": "outcome",
        "path": ["outcome"],
        "kind": "changed",
        "expected": "counted",
        "captured": row["outcome"],
        "reason": row["explanation"],
        "file": program,
        "line": 1,
        "step": None,
        "nearest": None,
        "verdict": 0,
    }
    return {
        "id": row["message_id"] or row["uuid"],
        "name": f"{row['event'] or row['event_key']} of {row['visitor_id'] or row['user_id'] or row['anonymous_id']}",
        "teaches": None,
        "file": program,
        "line": 1,
        "tags": [],
        "namespace": row["namespace"],
        "duration_ms": 0,
        "status": "passed" if counted else "failed",
        "reason": None if counted else f"{row['outcome']}: {row['explanation']}",
        "rerun": command,
        "source": {"first_line": 1, "text": json.dumps(sent, ensure_ascii=False, indent=1)},
        "steps": [],
        "problems": [],
        "expected": {"outcome": "counted"},
        "captured": {"outcome": row["outcome"]},
        "differences": [] if counted else [difference],
        "verdicts": [row],
    }


def _number(count: int, singular: str, plural: str | None = None) -> str:
    return f"{count} {singular if count == 1 else plural or f'{singular}s'}"


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _listed(counts: Counter[str]) -> str:
    """` (name 2, other 1)`, the most first; nothing for none."""
    names = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=_most_first))
    return f" ({names})" if names else ""
