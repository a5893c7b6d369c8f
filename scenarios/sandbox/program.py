"""A program that runs in a sandbox with the real hosts caught: `optilocal exec`, from its servers to its summary."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import requests

from optilocal.forwarder.api.analytics_js import FROM_CDN
from optilocal.forwarder.clock import SystemClock
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings
from optilocal.interception.connection import Tally
from optilocal.interception.hosts import InterceptionError, Policy
from optilocal.interception.interception import Interception
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.running.emulator_client import EmulatorClient, forwarder_health, new_session
from optilocal.scenarios.running.servers import LocalServers, ServerOptions, usual_destination
from optilocal.scenarios.running.verdict_feed import PAGE, is_pending, pages
from optilocal.scenarios.sandbox.child import CannotStart, Child, Stopped
from optilocal.scenarios.sandbox.outcome import Outcome, reports_to
from optilocal.serving.printable import printable

SETTLE_S = 10.0
"""Seconds in which what the program sent may come to its end once the program has."""
_TURN_S = 0.2


@dataclass(frozen=True, slots=True)
class ProgramOptions:
    """What `optilocal exec` was asked for. `emulator` and `forwarder` are base URLs of running servers, or None."""

    command_line: str
    words: tuple[str, ...]
    datafile: tuple[str, ...] = ()
    settings: Path | None = None
    only: bool = False
    allow: tuple[str, ...] = ()
    emulator: str | None = None
    forwarder: str | None = None
    namespace: str | None = None
    write_keys: tuple[str, ...] = ()
    analytics_js: Path | None = None
    reports: tuple[Path, ...] = ()
    quiet: bool = False


def run_program(options: ProgramOptions) -> int:
    """Run the program; its exit code, or 1 where it ended with 0 and a host was refused. Raises CannotRun."""
    _check(options)
    reports = reports_to(options.reports)
    clock = SystemClock()
    started_at = clock.now_ms()
    try:
        with Child(options.words) as child, ExitStack() as opened:
            emulator_url, forwarder_url = opened.enter_context(_servers(options))
            emulator = EmulatorClient(emulator_url, options.namespace, opened.enter_context(new_session()))
            events = _Events(emulator, forwarder_url, options.namespace)
            interception = opened.enter_context(
                _intercepted(options, emulator_url, forwarder_url, started_at)
            )
            code = child.run({**os.environ, **interception.environment})
            outcome = events.outcome(interception.tally)
            if not options.quiet:
                print(
                    f"optilocal: {printable(outcome.line())}{_reports_text(options.reports)}", file=sys.stderr
                )
            run = outcome.document(
                options.command_line, " ".join(options.words), emulator_url, started_at, clock.now_ms()
            )
            reports.write(run, sys.stderr)
    except CannotStart as error:
        print(f"optilocal: {printable(error)}", file=sys.stderr)
        return error.code
    except Stopped as stopped:
        return stopped.code
    return 1 if code == 0 and outcome.tally.refused else code


def _check(options: ProgramOptions) -> None:
    if options.forwarder and not options.emulator:
        raise CannotRun(
            "--forwarder goes with --emulator: a running forwarder reports to the emulator it was started for"
        )
    if options.emulator and options.datafile:
        raise CannotRun("--datafile goes without --emulator: a running emulator has its own datafiles")
    if options.forwarder and options.settings:
        raise CannotRun("--settings goes without --forwarder: a running forwarder has its own settings")
    if options.forwarder and (options.write_keys or options.analytics_js):
        raise CannotRun(
            "--write-key and --analytics-js go without --forwarder: a running forwarder has its own"
        )
    if options.allow and not options.only:
        raise CannotRun("--allow goes with --only; without it every host is let through")


def _reports_text(reports: Sequence[Path]) -> str:
    return f"; verdicts are in {', '.join(map(str, reports))}" if reports else ""


def _analytics_js(options: ProgramOptions) -> Path | str | None:
    """Where pages with Segment's snippet get its code: the folder named, else Segment's CDN unless nothing may leave."""
    return options.analytics_js or (None if options.only else FROM_CDN)


@contextmanager
def _servers(options: ProgramOptions) -> Iterator[tuple[str, str]]:
    """Base URLs of emulator and forwarder: the running ones that are named, else of this process, on free ports."""
    if options.emulator is None:
        sandbox = ServerOptions(
            emulator_port=0,
            forwarder_port=0,
            datafiles=options.datafile or (str(SHOP),),
            settings=options.settings,
            write_keys=options.write_keys,
            analytics_js=_analytics_js(options),
        )
        with LocalServers(sandbox, with_forwarder=True) as servers:
            yield servers.emulator_url, servers.forwarder_url
        return
    client = EmulatorClient(options.emulator, options.namespace)
    client.health()
    if options.forwarder is not None:
        forwarder_health(options.forwarder)
        yield client.root, options.forwarder.rstrip("/")
        return
    try:
        settings = ServerSettings.load(
            options.settings,
            port=0,
            optimizely=client.root,
            write_keys=options.write_keys,
            analytics_js=_analytics_js(options),
            usual=usual_destination(client.datafiles()),
        )
        forwarder = ForwarderServer(settings).start()
    except (OSError, ValueError) as error:
        raise CannotRun(str(error)) from None
    with forwarder:
        yield client.root, forwarder.base_url


@contextmanager
def _intercepted(
    options: ProgramOptions, emulator_url: str, forwarder_url: str, now_ms: int
) -> Iterator[Interception]:
    def report(line: str) -> None:
        print(f"optilocal: {printable(line)}", file=sys.stderr)

    interception = Interception(
        emulator_url,
        forwarder_url,
        os.environ,
        now_ms=now_ms,
        namespace=options.namespace,
        policy=Policy(options.only, options.allow),
        report=report,
    )
    try:
        interception.start()
    except InterceptionError as error:
        raise CannotRun(str(error)) from None
    with interception:
        yield interception


class _Events:
    """What comes to emulator and forwarder from now on."""

    def __init__(self, emulator: EmulatorClient, forwarder_url: str, namespace: str | None) -> None:
        self._emulator = emulator
        self._forwarder = forwarder_url if namespace is None else f"{forwarder_url}/ns/{namespace}"
        self._first_verdict = self._newest("verdicts")
        self._first_event = self._newest("events")
        self._first_exchange = self._newest("exchanges")
        self._first_delivery = max((row["number"] for row in self._deliveries(0)), default=0)

    def outcome(self, tally: Tally) -> Outcome:
        """What became of it all, once everything has come to its end or the time for it is over."""
        end = monotonic() + SETTLE_S
        pending = self._pending(end)
        rows = self._verdicts(end)
        decisions = self._emulator.listing("events", after=self._first_event, kind="decision")
        judged = [row for row in rows if row["kind"] == "event" and not is_pending(row)]
        refused = self._emulator.exchanges(after=self._first_exchange, surface="datafile", status=403)
        keys = {Path(row["path"]).stem for row in refused}
        return Outcome(tally, judged, len(decisions), pending, sorted(keys))

    def _newest(self, listing: str) -> int:
        return int(self._emulator.call("GET", f"/_emulator/{listing}", params={"limit": 1})["last"] or 0)

    def _pending(self, end: float) -> int:
        """How many deliveries have not come to their end; waits for them."""
        while True:
            rows = self._deliveries(self._first_delivery, state="pending")
            left = end - monotonic()
            if not rows or left <= 0:
                return len(rows)
            self._page(self._first_delivery, id=rows[0]["id"], state="ended", wait=min(left, _TURN_S))

    def _verdicts(self, end: float) -> list[dict[str, Any]]:
        """The verdicts, once the emulator has the last report of every delivery that has ended."""
        ended = {row["id"] for row in self._deliveries(self._first_delivery, state="ended")}
        after = self._first_verdict
        rows = self._emulator.verdicts(after=after)
        while True:
            heard = {row["delivery"]["id"] for row in rows if row.get("delivery") and not is_pending(row)}
            if ended <= heard or monotonic() > end:
                return rows
            rows = self._emulator.verdicts(after=after, wait=_TURN_S, count=len(rows) + 1)

    def _deliveries(self, after: int, **filters: Any) -> list[dict[str, Any]]:
        listing = pages(lambda after: self._page(after, **filters), "deliveries", after)
        return [row for page in listing for row in page["deliveries"]]

    def _page(self, after: int, **filters: Any) -> dict[str, Any]:
        params = {"after": after, "limit": PAGE, **filters}
        try:
            with new_session() as session:
                answer = session.get(f"{self._forwarder}/_forwarder/deliveries", params=params, timeout=60)
            answer.raise_for_status()
            return dict(answer.json())
        except requests.RequestException as error:
            raise CannotRun(f"the forwarder at {self._forwarder} does not answer: {error}") from None
