"""The traffic that the viewer's tests look at: real scenarios, run against a real emulator by the real runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optilocal.scenarios.language.loader import load
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.run import run_with
from optilocal.scenarios.running.workers import Workers

CLOCK = "clock: 2026-01-15T10:00:00Z"
HOSTILE = '<img src=x onerror="globalThis.broken=1"><script>globalThis.broken=1</script>'

PASSING = [
    f"""scenario: Passing {number}
tags: [smoke]
{CLOCK}
steps:
  - activate: {{user: u-1, experiment: checkout_test, variation: treatment}}
  - track: {{userId: u-1, event: Order Completed, properties: {{revenue: 4999, value: 49.99}}}}
expect:
  tracks: [{{outcome: counted}}]
"""
    for number in range(1, 4)
]

WRONG_REVENUE = f"""scenario: A purchase keeps its revenue
teaches: Revenue travels in cents.
tags: [revenue]
{CLOCK}
steps:
  - activate: {{user: u-1, experiment: checkout_test, variation: treatment}}
  - track: {{userId: u-1, event: Order Completed, properties: {{revenue: 42, value: 49.99, coupon: none, shipping: 5}}}}
expect:
  tracks:
    - outcome: counted
      sent:
        visitors:
          - visitor_id: u-1
            snapshots:
              - events:
                  - {{key: Order Completed, uuid: !uuid , value: 49.99, revenue: 4200}}
"""

SEVERAL_WRONG = f"""scenario: Three things are wrong here
{CLOCK}
steps:
  - track: {{userId: u-9, event: Order Completed, properties: {{revenue: 100}}}}
expect:
  tracks:
    - outcome: counted
      visitor_id: u-8
      sent: {{account_id: 12001}}
  received:
    - {{account_id: "12001", client_name: Segment}}
    - {{account_id: "99999", client_name: Segment}}
"""

STORY = [
    f"""scenario: {name}
{CLOCK}
steps:
  - activate: {{user: ada, experiment: checkout_test, variation: treatment}}
  - track: {{userId: ada, event: Order Completed, properties: {properties}}}
expect: {{tracks: [{{outcome: counted}}]}}
"""
    for name, properties in (
        ("A purchase by an activated, identified user is counted", "{revenue: 4999}"),
        ("Revenue sent as text is read as a number", '{revenue: "4999"}'),
        ("A value of its own stands beside the revenue", "{revenue: 4999, value: 49.99}"),
        ("A purchase without revenue still converts", "{}"),
    )
]

JOURNEYS = {
    "counted": """
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, messageId: j-counted, properties: {revenue: "4999", value: 49.99}}
""",
    "not_subscribed": """
  - track: {userId: u-1, event: Order Completed, messageId: j-not-subscribed}
""",
    "invalid_payload": """
  - track: {userId: u-1, event: Order Completed, messageId: j-invalid, properties: {revenue: 19.99}}
""",
    "unmatched_event_key": """
  - track: {userId: u-1, event: order  completed, messageId: j-unmatched}
""",
    "project_deactivated": """
  - datafile: {deactivated: true}
  - track: {userId: u-1, event: Order Completed, messageId: j-deactivated}
""",
    "delivery_failed": """
  - fault: {on: events, status: 503}
  - track: {userId: u-1, event: Order Completed, messageId: j-failed}
""",
    "user_not_activated": """
  - track: {userId: u-77, event: Order Completed, messageId: j-not-activated}
""",
    "activated_too_late": """
  - track: {userId: u-5, event: Order Completed, messageId: j-late}
  - activate: {user: u-5, experiment: checkout_test, variation: control}
""",
    "unidentified_user": """
  - track: {event: Order Completed, messageId: j-unidentified}
""",
}
"""Steps by the outcome of their track step."""

ENDS = {
    "not_subscribed": "trigger",
    "invalid_payload": "payload",
    "unmatched_event_key": "datafile",
    "project_deactivated": "datafile",
    "delivery_failed": "request",
    "user_not_activated": "attribution",
    "activated_too_late": "attribution",
    "unidentified_user": "attribution",
}
"""The stage at which the journey of each outcome stops."""


def journey(outcome: str) -> str:
    """A scenario that holds, whose track step comes to this outcome."""
    mappings = ""
    if outcome == "not_subscribed":
        mappings = "mappings: [{name: Pages only, trigger: 'type = \"page\"', enabled: true, fields: {}}]\n"
    steps = JOURNEYS[outcome]
    return f"scenario: Journey {outcome}\n{CLOCK}\n{mappings}steps:{steps}expect: {{tracks: [{{outcome: {outcome}}}]}}\n"


DELETION = f"""scenario: A deletion names the account
{CLOCK}
settings: {{accountId: "12001", accessToken: pat-1}}
steps:
  - activate: {{user: u-1, experiment: checkout_test, variation: treatment}}
  - delete: {{userId: u-1}}
expect: {{requests: {{datafile: 0, events: 0, privacy: 1}}}}
"""

HOSTILE_TEXT = f"""scenario: >-
  {HOSTILE}
{CLOCK}
steps:
  - track:
      userId: >-
        {HOSTILE}
      messageId: j-hostile
      event: >-
        {HOSTILE}
      properties: {{note: '{HOSTILE.replace("'", "''")}'}}
expect:
  tracks:
    - visitor_id: '{HOSTILE.replace("'", "''")} '
"""


def run(emulator: EmulatorClient, folder: Path, run_id: str, texts: list[str]) -> dict[str, Any]:
    """Run scenario texts, one file each; the finished run, which the emulator has too."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, text in enumerate(texts, 1):
        file = folder / f"{number:02}.scenario.yaml"
        file.write_text(text, encoding="utf-8")
        files.append(file)
    with Workers(load(files), 2, processes=False) as workers:
        return run_with(workers, emulator, run_id=run_id, command="optilocal run")


def run_that_broke_off(
    emulator: EmulatorClient, folder: Path, run_id: str, texts: list[str], error: str
) -> dict[str, Any]:
    """The same with one more scenario at the end, which could not be run: a run document like any other."""
    done = run(emulator, folder, run_id, texts)
    nothing: dict[str, Any] = {"captured": {}, "differences": [], "verdicts": [], "steps": []}
    what = {
        "id": "broken.scenario.yaml:1",
        "name": "Broken off",
        "status": "error",
        "reason": error,
        "tags": [],
    }
    counts = {**done["counts"], "total": len(texts) + 1, "error": 1}
    whole = {
        **done,
        "counts": counts,
        "scenarios": [*done["scenarios"], {**done["scenarios"][0], **what, **nothing}],
    }
    emulator.post_run(whole)
    return whole


def growing(
    run: dict[str, Any], run_id: str, total: int, scenarios: list[dict[str, Any]], state: str
) -> dict[str, Any]:
    """The document of a run under way: as far as these scenarios."""
    counts = {
        status: sum(one["status"] == status for one in scenarios) for status in ("passed", "failed", "error")
    }
    return {**run, "id": run_id, "state": state, "counts": {"total": total, **counts}, "scenarios": scenarios}
