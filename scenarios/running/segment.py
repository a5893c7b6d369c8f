"""Segment, as a scenario drives it: the forwarder in this process, or one that runs elsewhere, by its HTTP API."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Protocol, cast

import requests

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION, Settings, Subscription
from optilocal.forwarder.http.request_client import sending_client
from optilocal.forwarder.http.session import HttpSession
from optilocal.forwarder.pipeline.delivery import Delivery, report_text
from optilocal.forwarder.pipeline.mappings import mapping_json
from optilocal.forwarder.pipeline.memory import ProcessMemory
from optilocal.forwarder.pipeline.pipeline import Pipeline
from optilocal.forwarder.pipeline.reporting import DeliveryReporter
from optilocal.forwarder.pipeline.source_event import deletion_event
from optilocal.forwarder.pipeline.suppression import regulate
from optilocal.forwarder.stages.platform import Platform
from optilocal.forwarder.stages.shape import ShapeError
from optilocal.scenarios.language.document import COUNTS
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.serving.namespaces import DEFAULT


class Segment(Protocol):
    """What a scenario asks of Segment. Both calls answer the delivery's own id in the emulator's verdicts, or None."""

    def take(self, event: dict[str, Any]) -> str | None:
        """One source event, all the way through."""

    def delete(self, user_id: str, regulation: str, anonymous_id: str | None) -> str | None:
        """One regulation; None where Segment does not forward it to the destination."""

    def request_counts(self) -> dict[str, int]:
        """How many requests the destination sent: `{"datafile", "events", "privacy"}`."""


def settings_of(scenario: Scenario, datafile_url: str) -> dict[str, Any]:
    """The destination's settings: the scenario's own, the account of its datafile where it names none."""
    return {
        "accountId": str(scenario.datafile.get("accountId", "")),
        "dataFileUrl": datafile_url,
        **scenario.settings,
    }


def platform_of(scenario: Scenario) -> Platform:
    """What Segment does before the mappings. Raises CannotRun when a rule of the plan is not JSON schema."""
    try:
        return scenario.platform.checked()
    except ShapeError as error:
        raise CannotRun(f"{scenario.shown_file}: {error}") from None


def mappings_of(scenario: Scenario) -> list[Subscription]:
    """The destination's mappings."""
    return (
        [DEFAULT_SUBSCRIPTION]
        if scenario.mappings is None
        else [Subscription(**mapping) for mapping in scenario.mappings]
    )


_sessions = threading.local()


def _segments_session() -> HttpSession:
    """Segment's connections, kept as long as the worker that runs one scenario after the other."""
    if not hasattr(_sessions, "own"):
        _sessions.own = HttpSession()
    return cast(HttpSession, _sessions.own)


def _request_counts(reports: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counts = Counter(request["to"] for report in reports for request in report["requests"])
    return {name: counts[name] for name in COUNTS}


class LocalSegment:
    """The forwarder in this process; it fetches and posts over HTTP all the same. Back-off takes no real time."""

    def __init__(
        self,
        scenario: Scenario,
        emulator: EmulatorClient,
        datafile_url: str,
        *,
        clock: ManualClock,
        random: Random,
        ids: Callable[[], str],
    ) -> None:
        self._clock, self._ids = clock, ids
        self._memory = ProcessMemory()
        self._reports: list[dict[str, Any]] = []
        session = _segments_session()
        self._pipeline = Pipeline(
            Settings(settings_of(scenario, datafile_url)),
            mappings_of(scenario),
            client=sending_client(session, emulator.base_url, clock),
            clock=clock,
            random=random,
            ids=ids,
            platform=platform_of(scenario),
            memory=self._memory,
        )
        self._reporter = DeliveryReporter(session, emulator.base_url)

    def take(self, event: dict[str, Any]) -> str | None:
        """Deliver with every retry before answering."""
        return self._finish(self._pipeline.open(event))

    def delete(self, user_id: str, regulation: str, anonymous_id: str | None) -> str | None:
        """Carry out a regulation, and call the destination's onDelete when Segment would."""
        now = self._clock.now_ms()
        if not regulate(self._memory, DEFAULT, regulation, "user_id", user_id, at=now):
            return None
        message_id = f"delete-{self._ids()}"
        event = deletion_event(user_id, message_id=message_id, at=now, anonymous_id=anonymous_id)
        return self._finish(self._pipeline.open(event))

    def _finish(self, delivery: Delivery) -> str:
        """Make every attempt of a delivery and report it; its id. The scenario's time is then what it was."""
        now = self._clock.now_ms()
        while (due := delivery.retry_at) is not None:
            if due > self._clock.now_ms():
                delivery = self._report(delivery)
                self._clock.set(due)
            delivery = self._pipeline.attempt(delivery)
        self._reports.append(self._report(delivery).report)
        self._clock.set(now)
        return delivery.id

    def _report(self, delivery: Delivery) -> Delivery:
        return self._reporter.report([delivery], [report_text(delivery.report)])[0]

    def request_counts(self) -> dict[str, int]:
        """How many requests were sent over HTTP, retries included."""
        return _request_counts(self._reports)


class RemoteSegment:
    """A running forwarder at `base_url`, in the namespace that the scenario has at the emulator."""

    def __init__(
        self, scenario: Scenario, emulator: EmulatorClient, datafile_url: str, base_url: str
    ) -> None:
        self._session = emulator.session
        self._base_url = f"{base_url.rstrip('/')}/ns/{emulator.namespace}"
        self._after = 0
        self._call("PUT", "/_forwarder/settings", settings_of(scenario, datafile_url))
        mappings = [mapping_json(mapping) for mapping in mappings_of(scenario)]
        self._call("PUT", "/_forwarder/mappings", mappings)
        for part, configured in platform_of(scenario).as_json().items():
            self._call("PUT", f"/_forwarder/{part.replace('_', '-')}", configured)

    def take(self, event: dict[str, Any]) -> str | None:
        """Send to the Tracking API, then wait until the delivery has come to its end.

        Without `sentAt` Segment corrects no time: the event keeps the scenario's.
        """
        body = {
            key: value
            for key, value in event.items()
            if key not in ("sentAt", "receivedAt", "originalTimestamp")
        }
        self._call("POST", f"/v1/{event['type']}", {**body, "writeKey": "optilocal"})
        return self._finished()

    def delete(self, user_id: str, regulation: str, anonymous_id: str | None) -> str | None:  # noqa: ARG002
        """Ask for a regulation; wait for the delivery when Segment would call the destination's onDelete."""
        body = {"regulationType": regulation, "subjectType": "USER_ID", "subjectIds": [user_id]}
        self._call("POST", "/regulations", body)
        return self._finished() if regulation in ("SUPPRESS_WITH_DELETE", "DELETE_ONLY") else None

    def request_counts(self) -> dict[str, int]:
        """How many requests the deliveries list."""
        return _request_counts(self._call("GET", "/_forwarder/deliveries?limit=1000")["deliveries"])

    def _finished(self) -> str | None:
        """The id of the next delivery, once nothing more is to be tried; None when none comes: Segment refused the call."""
        waiting = f"/_forwarder/deliveries?after={self._after}&count=1&wait="
        if not self._call("GET", waiting + "5")["deliveries"]:
            return None
        ended = self._call("GET", f"{waiting}30&state=ended")["deliveries"]
        if ended:
            self._after = ended[-1]["row"]
            return str(ended[-1]["id"])
        raise CannotRun(
            f"the forwarder at {self._base_url} goes on retrying a delivery; its back-off takes real time"
        )

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = self._session.request(method, self._base_url + path, json=body, timeout=(5, 60))
        except requests.RequestException:
            raise CannotRun(
                f"no forwarder answers at {self._base_url}; start one with `optilocal up`"
            ) from None
        if not answer.ok:
            raise CannotRun(
                f"the forwarder refused {method} {self._base_url}{path}: {answer.status_code} {answer.text[:200]}"
            )
        return answer.json()
