"""Drives one scenario: namespace, datafile, clock, each step, one reading at the end; answers its part of the run."""

import contextlib
import time
import uuid
from random import Random
from typing import Any

from optilocal.emulator.json_text import objects
from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.scenarios.comparing.compare import Difference
from optilocal.scenarios.comparing.expectations import Captured, differences
from optilocal.scenarios.comparing.results import scenario_result
from optilocal.scenarios.language import datafiles
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.language.scenario import Scenario, Step
from optilocal.scenarios.language.steps import STEPS
from optilocal.scenarios.running import event_batch
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.sdk import OptimizelyClient, SdkAnswer
from optilocal.scenarios.running.segment import LocalSegment, RemoteSegment, Segment
from optilocal.scenarios.running.source import Source

STEP_MS = 1000
"""Each step is one second later than the one before."""
_TOKEN = "optilocal"


def run_scenario(
    scenario: Scenario, emulator: EmulatorClient, *, now_ms: int, forwarder_url: str | None = None
) -> dict[str, Any]:
    """Run a scenario in the namespace of `emulator`, which should be fresh; its entry in the run document.

    `now_ms` is where its time starts when the scenario sets no clock. With `forwarder_url` a running forwarder is
    driven instead of one in this process. What keeps it from being run is part of the entry, status `error`.
    """
    started = time.perf_counter()
    drive = _Drive(scenario, emulator, now_ms, forwarder_url)
    records: list[Difference] = []
    captured = Captured()
    error = None
    try:
        drive.run()
        captured = drive.capture()
        records = differences(scenario, captured)
    except CannotRun as reason:
        error = str(reason)
    finally:
        drive.close()
    duration = round((time.perf_counter() - started) * 1000)
    return scenario_result(
        scenario,
        emulator.namespace or "default",
        steps=drive.notes,
        captured=captured,
        records=records,
        error=error,
        duration_ms=duration,
    )


class _Drive:
    def __init__(
        self, scenario: Scenario, emulator: EmulatorClient, now_ms: int, forwarder_url: str | None
    ) -> None:
        self._scenario, self._emulator, self._forwarder_url = scenario, emulator, forwarder_url
        self._random = Random(scenario.id)  # the same ids in every run of the same scenario
        self._start_ms = scenario.clock_ms if scenario.clock_ms is not None else now_ms
        self._clock = ManualClock(self._start_ms)
        self._source = Source(self._new_id)
        self._sdk_key = datafiles.sdk_key(scenario.datafile)
        self._segment: Segment | None = None
        self._sdk: OptimizelyClient | None = None
        self._deliveries: dict[int, str | None] = {}
        self._waited_ms = 0
        self._emulator_time: str | None = None
        self.notes: list[dict[str, Any]] = []

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def run(self) -> None:
        """Set up, then every step."""
        self._set_time(0)
        self._emulator.put_datafile(self._sdk_key, self._scenario.datafile)
        for rule_id, rows in self._scenario.predictions.items():
            self._emulator.put_predictions(rule_id, rows)
        datafile_url = datafiles.cdn_url(self._sdk_key)
        if self._forwarder_url:
            self._segment = RemoteSegment(self._scenario, self._emulator, datafile_url, self._forwarder_url)
        else:
            self._segment = LocalSegment(
                self._scenario,
                self._emulator,
                datafile_url,
                clock=self._clock,
                random=self._random,
                ids=self._new_id,
            )
        for step in self._scenario.steps:
            self._set_time(step.index)
            kind = STEPS[step.kind]
            note = {
                "index": step.index,
                "kind": step.kind,
                "line": step.line,
                "at": self._clock.now_ms(),
                "note": None,
                "summary": f"{step.kind} {kind.summary(step.arguments) or ''}".strip(),
            }
            self.notes.append(note)
            if self._sdk and kind.sdk_polls_after:
                self._sdk.look_again()
            note["note"] = kind.run(self, step.arguments)

    def capture(self) -> Captured:
        """What came of it, read when all is received."""
        assert self._segment is not None
        expect = self._scenario.expect
        rows = self._emulator.verdicts()
        by_delivery = {row["delivery"]["id"]: row for row in rows if row.get("delivery")}
        verdicts: dict[int, dict[str, Any]] = {}
        for index, delivery in self._deliveries.items():
            if delivery in by_delivery:
                verdicts[index] = by_delivery[delivery]
                self.notes[index]["message_id"] = by_delivery[delivery]["message_id"]
                self.notes[index]["verdict_number"] = by_delivery[delivery]["number"]
        token = str(self._scenario.settings.get("accessToken") or _TOKEN)
        return Captured(
            verdicts=verdicts,
            conversions=self._conversions(rows),
            received=_conversion_batches(self._emulator.exchanges(surface="events"))
            if "received" in expect
            else None,
            results=self._emulator.results() if "results" in expect else None,
            health=self._emulator.health_of_experiments() if "health" in expect else None,
            subject_access_requests=self._emulator.subject_access_requests(token)
            if "subject_access_requests" in expect
            else None,
            requests=self._segment.request_counts(),
        )

    def _conversions(self, rows: list[dict[str, Any]]) -> tuple[tuple[int, dict[str, Any]], ...]:
        """The conversions that were posted in event batches, each with the index of the step that posted it."""
        steps = {note["at"]: note["index"] for note in self.notes if note["kind"] == "event_batch"}
        if not steps:
            return ()
        events = self._emulator.listing("events", kind="conversion")
        received = {event["number"]: event["received_at"] for event in events}
        posted = [
            row for row in rows if not row.get("delivery") and received.get(row["event_number"]) in steps
        ]
        for row in reversed(posted):
            self.notes[steps[received[row["event_number"]]]]["verdict_number"] = row["number"]
        return tuple((steps[received[row["event_number"]]], row) for row in posted)

    def close(self) -> None:
        """End the scenario's faults and forced variations; its namespace stays for the viewer."""
        if any(step.kind == "fault" for step in self._scenario.steps):
            with contextlib.suppress(CannotRun):
                self._emulator.call("DELETE", "/_emulator/faults")
        if any(step.kind == "force" for step in self._scenario.steps):
            with contextlib.suppress(CannotRun):
                self._emulator.call("DELETE", "/_emulator/forced")

    def _set_time(self, index: int) -> None:
        self._clock.set(self._start_ms + index * STEP_MS + self._waited_ms)
        now = iso_time(self._clock.now_ms())
        if now != self._emulator_time:
            self._emulator.put_clock(now)
            self._emulator_time = now

    def call(self, kind: str, arguments: dict[str, Any] | None) -> None:
        """One call of the source, to its end."""
        assert self._segment is not None
        event = self._source.call(kind, arguments, self._clock.now_ms())
        self._deliveries[len(self.notes) - 1] = self._segment.take(event)

    def delete(self, user_id: str, regulation: str, anonymous_id: str | None) -> str:
        """One regulation, to its end."""
        assert self._segment is not None
        delivery = self._segment.delete(user_id, regulation, anonymous_id)
        self._deliveries[len(self.notes) - 1] = delivery
        return f"{regulation}: the destination " + ("was told" if delivery else "is not told of it")

    def post_events(self, batch: dict[str, Any] | str) -> str:
        """An event batch, posted to the Event API without an SDK."""
        account = str(self._scenario.datafile.get("accountId", ""))
        now = self._clock.now_ms()
        body = batch
        if isinstance(batch, dict):
            body = event_batch.filled(batch, account_id=account, now_ms=now, ids=self._new_id)
        note, taken = event_batch.post(self._emulator.session, f"{self._emulator.base_url}/v1/events", body)
        if not taken:
            self.notes[-1]["problem"] = note
        return note

    def forget(self) -> str:
        """The source forgets the user."""
        self._source.forget()
        return "a new anonymousId, no userId"

    def wait(self, milliseconds: int) -> None:
        """Time goes by from the next step on."""
        self._waited_ms += milliseconds

    def decide(self, arguments: dict[str, Any]) -> str:
        """A decision on a flag."""
        return self._noted(self._client().decide(**arguments))

    def activate(self, arguments: dict[str, Any]) -> str:
        """A decision on an experiment."""
        return self._noted(self._client().activate(**arguments))

    def _noted(self, answer: SdkAnswer) -> str:
        step = self._scenario.steps[len(self.notes) - 1]
        if answer.problem:
            self.notes[-1]["problem"] = answer.problem
        # A scenario may break the SDK's connections or its datafile on purpose. Else no verdict would be the user's own.
        broken = answer.refused or answer.failed
        if broken and not any(map(_breaks, self._scenario.steps[: step.index])):
            self.notes[-1]["note"] = answer.note
            raise CannotRun(f"line {step.line}, {step.kind}: {broken}")
        return answer.note

    def _client(self) -> OptimizelyClient:
        if self._sdk is None:
            self._sdk = OptimizelyClient(
                self._emulator.base_url, self._sdk_key, self._emulator.session, self._clock.now_ms
            )
        return self._sdk

    def fail(self, rules: list[dict[str, Any]]) -> None:
        """Fault rules at the emulator."""
        self._emulator.add_faults(rules)

    def force(self, rule: dict[str, Any]) -> str | None:
        """One more forced variation, in the datafile that is served."""
        warnings = self._emulator.force(rule["experiment"], rule["variation"], rule.get("user"))
        return " ".join(warnings) or None

    def change_datafile(self, change: dict[str, Any]) -> str | None:
        """What the CDN serves from here on."""
        if "whole" in change:
            answer = self._emulator.put_datafile(self._sdk_key, change["whole"])
            warnings = [warning["message"] for warning in answer["warnings"]]
            return " ".join([f"revision {answer['revision']}", *warnings])
        if "raw" in change:
            self._emulator.put_raw_datafile(
                self._sdk_key, str(change["raw"]), change.get("content_type"), change.get("status")
            )
        elif change.get("missing"):
            self._emulator.put_raw_datafile(self._sdk_key, datafiles.UNKNOWN_KEY, "application/xml", 403)
        elif "deactivated" in change:
            self._emulator.set_deactivated(self._sdk_key, change["deactivated"])
        return None


def _breaks(step: Step) -> bool:
    return step.kind == "fault" or (step.kind == "datafile" and "whole" not in step.arguments)


def _conversion_batches(exchanges: list[dict[str, Any]]) -> list[Any]:
    """The bodies of the event batches that carry a conversion: an event that is not a decision's."""
    return [
        exchange["json"]
        for exchange in exchanges
        if isinstance(exchange["json"], dict) and _has_conversion(exchange["json"])
    ]


def _has_conversion(batch: dict[str, Any]) -> bool:
    return any(
        "campaign_activated" not in (event.get("key"), event.get("type"))
        for visitor in objects(batch.get("visitors"))
        for snapshot in objects(visitor.get("snapshots"))
        for event in objects(snapshot.get("events"))
    )
