"""`optilocal explain` and `optilocal tail` against a running sandbox: which verdicts, in what order, in how many words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from optilocal.scenarios.cli import main
from optilocal.scenarios.language import datafiles
from optilocal.scenarios.language.document import OUTCOMES
from optilocal.scenarios.reporters.verdict_line import SHORT, verdict_line
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

AUTH = ("key", "")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalServers]:
    """A sandbox in which u-1 tracked a near miss twice, u-2 met a fault, and u-3 went to a namespace of its own."""
    options = ServerOptions(emulator_port=0, forwarder_port=0, datafiles=(str(datafiles.SHOP),))
    with LocalServers(options, with_forwarder=True) as running:
        track(running, "m-1", "u-1", "order completed")
        track(running, "m-1", "u-1", "order completed", count=2)
        fault = [{"on": "events", "status": 400, "times": 1}]
        requests.put(f"{running.emulator_url}/_emulator/faults", json=fault, timeout=10).raise_for_status()
        track(running, "m-2", "u-2", "Order Completed", count=3)
        track(running, "m-3", "u-3", "Nothing Of The Kind", prefix="/ns/team")
        yield running


def track(
    sandbox: LocalServers, message_id: str, user: str, event: str, *, prefix: str = "", count: int = 1
) -> None:
    """Send one event, and wait until the namespace has so many verdicts."""
    body = {"userId": user, "event": event, "messageId": message_id}
    url = f"{sandbox.forwarder_url}{prefix}/v1/track"
    requests.post(url, json=body, auth=AUTH, timeout=10).raise_for_status()
    verdicts = f"{sandbox.emulator_url}{prefix}/_emulator/verdicts"
    rows = requests.get(verdicts, params={"wait": 20, "count": count}, timeout=30).json()["verdicts"]
    assert len(rows) == count


def explained(sandbox: LocalServers, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["explain", *arguments, "--json", "--emulator", sandbox.emulator_url])
    return code, json.loads(capsys.readouterr().out)["verdicts"]


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["--last"], ["m-3"]),
        (["--last", "--namespace", "default"], ["m-2"]),
        (["--last", "--user", "u-1", "--outcome", "unmatched_event_key"], ["m-1"]),
        (["--user", "u-2"], ["m-2"]),
        (["--event", "order completed"], ["m-1", "m-1"]),
        (["--event", "Order"], []),
        (["--outcome", "delivery_failed"], ["m-2"]),
        (["--namespace", "team"], ["m-3"]),
        (["m-3", "m-2"], ["m-3", "m-2"]),
        (["m-2", "--user", "u-1"], []),
        (["--user", "nobody"], []),
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_options_choose_verdicts(
    sandbox: LocalServers, capsys: pytest.CaptureFixture[str], arguments: list[str], messages: list[str]
) -> None:
    code, verdicts = explained(sandbox, capsys, *arguments)
    assert [verdict["message_id"] for verdict in verdicts] == messages
    assert code == (0 if messages else 1)


def test_a_duplicate_comes_after_its_original(
    sandbox: LocalServers, capsys: pytest.CaptureFixture[str]
) -> None:
    _, verdicts = explained(sandbox, capsys, "m-1")
    assert [verdict["outcome"] for verdict in verdicts] == ["unmatched_event_key", "duplicate"]


def test_a_fault_that_was_injected_is_named(
    sandbox: LocalServers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "m-2", "--emulator", sandbox.emulator_url]) == 0
    assert "fault injected: a fault rule on events answers 400" in capsys.readouterr().out
    assert main(["explain", "m-1", "--emulator", sandbox.emulator_url]) == 0
    assert "fault injected" not in capsys.readouterr().out


def test_what_is_not_there_and_what_cannot_be_asked(
    sandbox: LocalServers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "m-1", "m-9", "--emulator", sandbox.emulator_url]) == 1
    told = capsys.readouterr().out
    assert "unmatched_event_key" in told and "No event with the message id 'm-9'" in told
    for arguments, says in (
        ([], "name a MESSAGE_ID, or --last"),
        (["--outcome", "conted"], "did you mean 'counted'?"),
    ):
        assert main(["explain", *arguments, "--emulator", sandbox.emulator_url]) == 2
        refused = capsys.readouterr()
        assert (refused.out, refused.err.count("\n")) == ("", 1) and says in refused.err


def test_tail_shows_what_is_there_and_what_comes(sandbox: LocalServers) -> None:
    command = [
        sys.executable,
        "-m",
        "optilocal",
        "tail",
        "--namespace",
        "tail",
        "--emulator",
        sandbox.emulator_url,
    ]
    track(sandbox, "m-4", "u-4", "Order Complete", prefix="/ns/tail")
    tail = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
    assert tail.stdout is not None
    try:
        first = tail.stdout.readline()
        assert "u-4" in first and "datafile_unavailable" in first
        track(sandbox, "m-5", "u-5", "Order Complete", prefix="/ns/tail", count=2)
        assert "u-5" in tail.stdout.readline()
    finally:
        tail.kill()
        tail.communicate()


def test_a_line_has_the_short_reason_and_steers_no_terminal() -> None:
    assert set(OUTCOMES) - {"counted"} <= set(SHORT)
    verdict = {
        "outcome": "counted", "kind": "event", "event": "Order\x1b[31m", "event_key": None, "visitor_id": "u-1",
        "user_id": "u-1", "anonymous_id": None, "timestamp": 1768471202000, "details": [], "explanation": "",
        "attributed_to": [{"experiment": "checkout_test", "variation": "treatment"}],
    }  # fmt: skip
    line = verdict_line(verdict)
    assert line.startswith("10:00:02  Order\\u001b[31m") and line.endswith(
        "counted                 checkout_test → treatment"
    )
    missed = {
        **verdict,
        "outcome": "unmatched_event_key",
        "nearest": ["Order Completed"],
        "attributed_to": [],
    }
    assert verdict_line(missed).endswith("no event of the datafile has this key; near: Order Completed")
