"""Optimizely as one test sees it: one namespace of the emulator, with what a test puts in, waits for and asserts."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Self

from optilocal.forwarder.clock import SystemClock
from optilocal.scenarios.comparing.expectations import results as results_as_expected
from optilocal.scenarios.language import datafiles
from optilocal.scenarios.language.datafile_source import check_datafile, find_datafile
from optilocal.scenarios.language.document import OUTCOMES
from optilocal.scenarios.language.problems import CannotRun, alternatives
from optilocal.scenarios.reporters.verdict_words import verdict_text
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.sdk import OptimizelyClient, SdkAnswer
from optilocal.scenarios.running.verdict_feed import is_pending
from optilocal.scenarios.sandbox.names import DatafileNames, Named, results_by_name

TIMEOUT_S = 5.0
"""Seconds that an assertion waits for what is still on its way."""
Datafile = Mapping[str, Any] | str | Path
"""A datafile: a dict, its JSON, the path of a file, or a URL."""
_SERVER_FILTERS = ("message_id", "outcome", "event_key", "visitor_id", "uuid", "kind", "experiment", "status")
_OWN_FILTERS = ("event", "user_id", "anonymous_id")
_TURN_S, _LONGEST_TURN_S = 0.1, 30.0


@dataclass(frozen=True, slots=True)
class _Served:
    """The datafile put last."""

    sdk_key: str
    url: str
    account_id: str
    names: DatafileNames
    datafile: Mapping[str, Any]


class Optimizely:
    """Optimizely as this test alone sees it: the fixture `optimizely`, and `optilocal.sandbox()`'s attribute.

    Filters of every method are fields of a verdict: message_id, outcome, event, event_key, user_id, anonymous_id,
    visitor_id, uuid, kind, experiment, status. An unknown one is a TypeError.
    """

    def __init__(self, emulator: EmulatorClient) -> None:
        self._emulator = emulator
        self._sdk: tuple[str, OptimizelyClient] | None = None
        self._datafile: _Served | None = None
        self._followers: list[Callable[[], None]] = []

    @property
    def base_url(self) -> str:
        """Where this Optimizely is: `…/v1/events`, `…/datafiles/<sdkKey>.json` and the control surface below it."""
        return self._emulator.base_url

    @property
    def datafile_url(self) -> str:
        """The URL of the datafile put last; of the shipped shop's when none was put."""
        return self._current().url

    @property
    def datafile(self) -> dict[str, Any]:
        """The datafile put last."""
        return dict(self._current().datafile)

    @property
    def account_id(self) -> str:
        """The account of that datafile."""
        return self._current().account_id

    def put_datafile(self, datafile: Datafile) -> str:
        """Serve a datafile from now on: a dict, its JSON, the path of a file, or a URL. Answers its URL here.

        Raises ValueError when it is not a datafile, or cannot be read.
        """
        if isinstance(datafile, str) and datafile.lstrip().startswith("{"):
            read = check_datafile(json.loads(datafile))
        elif isinstance(datafile, str | Path):
            read = find_datafile(str(datafile), Path())
        else:
            read = check_datafile(dict(datafile))
        key = datafiles.sdk_key(read)
        url = str(self._emulator.put_datafile(key, read)["url"])
        self._datafile = _Served(key, url, str(read.get("accountId", "")), DatafileNames(read), read)
        for follow in self._followers:
            follow()
        return url

    def put_predictions(self, experiment: str, table: str | Sequence[Mapping[str, Any]]) -> None:
        """What the prediction service answers for a contextual bandit: a variation, or rows `{"when": {…}, "variation"}`.

        The first row that holds decides. Raises CannotRun when the datafile has no such bandit, attribute or variation.
        """
        self._current()
        self._emulator.put_predictions(experiment, table if isinstance(table, str) else list(table))

    def force(self, experiment: str, variation: str, user: str | None = None) -> None:
        """From now on SDKs that fetch the datafile show this user, or everybody, the variation; verdicts say "forced here".

        Raises UnknownName, a ValueError, for an experiment or variation that the datafile lacks.
        """
        self._current().names.check_experiment(experiment, variation)
        self._emulator.force(experiment, variation, user)
        if self._sdk is not None:
            self._sdk[1].look_again()

    def decide(
        self,
        user: str,
        flag: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        options: Sequence[str] = (),
        segments: Sequence[str] | None = None,
    ) -> str:
        """Optimizely's own SDK decides and sends the impression; a sentence on what it did.

        `options` are names of the SDK's OptimizelyDecideOption, `segments` the ODP segments the user is qualified for.
        Raises UnknownName, a ValueError, for a flag that the datafile lacks, and CannotRun when the SDK refuses the
        datafile.
        """
        self._current().names.check_flag(flag)
        return _note(self._client().decide(user, flag, attributes, options, segments))

    def activate(
        self,
        user: str,
        experiment: str,
        variation: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Optimizely's own SDK activates the user, into the variation if one is given; a sentence on what it did.

        Raises UnknownName, a ValueError, for an experiment or variation that the datafile lacks, and CannotRun when the SDK
        refuses the datafile.
        """
        self._current().names.check_experiment(experiment, variation)
        return _note(self._client().activate(user, experiment, variation, attributes))

    def verdicts(self, **filters: Any) -> list[dict[str, Any]]:
        """The verdicts that match, oldest first. `wait` (seconds) and `count` let the emulator wait for so many."""
        shared = {name: filters.pop(name) for name in ("wait", "count", "q") if name in filters}
        server, own = _split(filters)
        rows = self._emulator.verdicts(**server, **shared)
        return [row for row in rows if all(row.get(name) == value for name, value in own.items())]

    def results(
        self,
        *,
        attribute: str | None = None,
        value: str | None = None,
        start_time: str | None = None,
        end_time: str | None = None,
        smoothing: str | None = None,
    ) -> Named:
        """The counts as a scenario's `results` has them: `{experiment: {variation: {"visitors": n, EVENT KEY: {"unique",
        "total", "revenue", "value"}}}}`; revenue in cents. A name that is not there is a KeyError that says what was meant.

        Only those of a segment with `attribute` and `value`, of a date range with `start_time` and `end_time` (ISO 8601),
        and with outliers of revenue smoothed with `smoothing="yes"`.
        """
        counts = self._emulator.results(
            attribute=attribute, value=value, start_time=start_time, end_time=end_time, smoothing=smoothing
        )
        return results_by_name(results_as_expected(counts))

    def wait_for(self, count: int = 1, *, timeout: float = TIMEOUT_S, **filters: Any) -> list[dict[str, Any]]:
        """The verdicts that match, as soon as there are `count`; AssertionError after `timeout` seconds."""
        __tracebackhide__ = True
        _split(filters)
        rows = self._await(filters, timeout, lambda rows: len(rows) >= count)
        if len(rows) < count:
            raise AssertionError(
                f"{len(rows)} of {count} verdicts{_filters_text(filters)} within {timeout:g} s\n{self._others(filters)}"
            )
        return rows

    def assert_counted(self, *, timeout: float = TIMEOUT_S, **filters: Any) -> list[dict[str, Any]]:
        """Every event that matches, at least one, is counted; else AssertionError with the verdict in words.

        Raises UnknownName, a ValueError, at once for an event_key or experiment that the datafile lacks.
        """
        __tracebackhide__ = True
        self._check_names(filters)
        return self._judge(filters, timeout, "to be counted", lambda row: row["outcome"] == "counted")

    def assert_not_counted(
        self, because: str | None = None, *, timeout: float = TIMEOUT_S, **filters: Any
    ) -> list[dict[str, Any]]:
        """No event that matches, and at least one came, is counted; with `because` for exactly that outcome.

        Else AssertionError with the verdict in words. ValueError when `because` is not an outcome, and UnknownName, a
        ValueError too, for an event_key or experiment that the datafile lacks where `because` says another reason.
        """
        __tracebackhide__ = True
        if because is None:
            return self._judge(filters, timeout, "not to be counted", lambda row: row["outcome"] != "counted")
        if because not in OUTCOMES or because == "counted":
            reasons = [outcome for outcome in OUTCOMES if outcome != "counted"]
            raise ValueError(f"because={because!r} is not a reason{alternatives(because, reasons)}")
        if because != "unmatched_event_key":
            self._check_names(filters)
        wanted = f"not to be counted because of {because}"
        return self._judge(filters, timeout, wanted, lambda row: row["outcome"] == because)

    def follow(self, on_datafile: Callable[[], None]) -> None:
        """Call `on_datafile` whenever a datafile is put, and at once if one was put already."""
        self._followers.append(on_datafile)
        if self._datafile is not None:
            on_datafile()

    @property
    def control(self) -> EmulatorClient:
        """The emulator's control surface in this namespace: faults, clock, exchanges."""
        return self._emulator

    def _judge(
        self, filters: dict[str, Any], timeout: float, wanted: str, holds: Callable[[dict[str, Any]], bool]
    ) -> list[dict[str, Any]]:
        __tracebackhide__ = True

        def decided(rows: list[dict[str, Any]]) -> bool:
            if not rows or any(map(is_pending, rows)):
                return False
            # Only of what Segment has reported is it known that no more is to come.
            return all(map(holds, rows)) or all(row.get("delivery") for row in rows)

        # A deletion is not an event, unless one is asked for.
        rows = self._await({"kind": "event", **filters}, timeout, decided)
        if not rows:
            raise AssertionError(
                f"expected an event{_filters_text(filters)} {wanted}, but none came within {timeout:g} s\n"
                f"{self._others(filters)}"
            )
        wrong = [row for row in rows if not holds(row)]
        if wrong:
            texts = "\n".join(verdict_text(row) for row in wrong)
            raise AssertionError(f"expected every event{_filters_text(filters)} {wanted}, but:\n\n{texts}")
        return rows

    def _await(
        self, filters: dict[str, Any], timeout: float, enough: Callable[[list[dict[str, Any]]], bool]
    ) -> list[dict[str, Any]]:
        """The matching verdicts once they are enough, or when the time is over; the emulator does the waiting."""
        end = monotonic() + timeout
        while True:
            rows = self.verdicts(**filters)
            left = end - monotonic()
            if enough(rows) or left <= 0:
                return rows
            server, _ = _split(filters)
            count = len(self._emulator.verdicts(**server))
            # Until the first row comes there is nothing to look at; then what is there may still change.
            turn = min(left, _TURN_S if count else _LONGEST_TURN_S)
            self._emulator.verdicts(**server, wait=turn, count=count + 1)

    def _check_names(self, filters: Mapping[str, Any]) -> None:
        """What names the datafile lacks can never be found, so it is not waited for."""
        if self._datafile is None:
            return
        if isinstance(filters.get("event_key"), str):
            self._datafile.names.check_event(filters["event_key"])
        if isinstance(filters.get("experiment"), str):
            self._datafile.names.check_listed(filters["experiment"])

    def _others(self, filters: dict[str, Any]) -> str:
        known = {row["number"] for row in self.verdicts(**filters)}
        rows = [row for row in self._emulator.verdicts() if row["number"] not in known]
        if not rows:
            return "No other event has come."
        lines = [
            f"  {row['outcome'] or row['kind']}: event {row['event']!r}, visitor {row['visitor_id']!r}, "
            f"message {row['message_id']!r}"
            for row in rows[:20]
        ]
        return "\n".join([f"What else has come ({len(rows)}):", *lines])

    def _current(self) -> _Served:
        if self._datafile is None:
            self.put_datafile(datafiles.SHOP)
        assert self._datafile is not None
        return self._datafile

    def _client(self) -> OptimizelyClient:
        key = self._current().sdk_key
        if self._sdk is None or self._sdk[0] != key:
            client = OptimizelyClient(self.base_url, key, self._emulator.session, SystemClock().now_ms)
            self._sdk = (key, client)
        return self._sdk[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._emulator.session.close()


def _note(answer: SdkAnswer) -> str:
    if answer.refused:
        raise CannotRun(answer.refused)
    return answer.note


def _split(filters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the emulator filters by, and what is left to us. Raises TypeError for what no verdict has."""
    for name in filters:
        if name not in _SERVER_FILTERS and name not in _OWN_FILTERS:
            known = (*_SERVER_FILTERS, *_OWN_FILTERS)
            raise TypeError(f"verdicts have no field {name!r} to filter by{alternatives(name, known)}")
    server = {name: value for name, value in filters.items() if name in _SERVER_FILTERS}
    return server, {name: value for name, value in filters.items() if name in _OWN_FILTERS}


def _filters_text(filters: Mapping[str, Any]) -> str:
    return " with " + ", ".join(f"{name}={value!r}" for name, value in filters.items()) if filters else ""
