"""`optilocal record`: what one sandbox saw becomes a file that passes in another; and the clock it is laid out on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from segment_source import SegmentSource

from optilocal.scenarios.cli import main
from optilocal.scenarios.editing.recording_time import Moment, laid_out
from optilocal.scenarios.language.datafile_source import read_datafile
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.language.loader import load_file
from optilocal.scenarios.language.paths import SUITE
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.runner import run_scenario
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

NOW = 1_768_471_200_000
REPRODUCED = (
    ("conversions/counted.scenario.yaml", 1),
    ("conversions/not-running.scenario.yaml", 1),
    ("conversions/not-running.scenario.yaml", 2),
    ("activation/too-late.scenario.yaml", 0),
    ("datafile/fetching.scenario.yaml", 4),
    ("delivery/duplicates.scenario.yaml", 1),
    ("delivery/retries.scenario.yaml", 0),
    ("identity/anonymous.scenario.yaml", 0),
    ("mappings/revenue-in-cents.scenario.yaml", 0),
    ("timestamps/reading.scenario.yaml", 0),
    ("privacy/suppression.scenario.yaml", 0),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalServers]:
    with LocalServers(ServerOptions(emulator_port=0, forwarder_port=0), with_forwarder=True) as running:
        yield running


def _record(sandbox: LocalServers, namespace: str, *options: str) -> int:
    return main(["record", "--emulator", sandbox.emulator_url, "--namespace", namespace, *options])


@pytest.mark.parametrize(
    "scenario",
    [load_file(SUITE / name)[number] for name, number in REPRODUCED],
    ids=lambda scenario: scenario.name,
)
def test_what_a_scenario_did_is_recorded_as_one_that_passes(
    sandbox: LocalServers, tmp_path: Path, capsys: pytest.CaptureFixture[str], scenario: Any
) -> None:
    namespace = f"rec-{abs(hash(scenario.id))}"
    run_scenario(scenario, EmulatorClient(sandbox.emulator_url, namespace), now_ms=NOW)
    file = tmp_path / "recorded.scenario.yaml"
    assert _record(sandbox, namespace, "-o", str(file)) == 0, capsys.readouterr().err
    (recorded,) = load_file(file)
    emulator = EmulatorClient(sandbox.emulator_url, f"{namespace}-again")
    entry = run_scenario(recorded, emulator, now_ms=NOW)
    assert (entry["status"], entry["reason"]) == ("passed", None)
    first = EmulatorClient(sandbox.emulator_url, namespace)
    assert [_gist(row) for row in emulator.verdicts(kind="event")] == [
        _gist(row) for row in first.verdicts(kind="event") if row["delivery"]["type"] == "track"
    ]
    assert emulator.results() == first.results()


def _gist(verdict: dict[str, Any]) -> tuple[Any, ...]:
    return verdict["message_id"], verdict["outcome"], verdict["attributed_to"], verdict["visitor_id"]


def _live(sandbox: LocalServers, namespace: str) -> None:
    """As an application does it: a datafile set, events sent over HTTP to the forwarder, without any scenario."""
    emulator = EmulatorClient(sandbox.emulator_url, namespace)
    url = emulator.put_datafile("shop", {**read_datafile(SHOP), "sdkKey": "shop"})["url"]
    segment = f"{sandbox.forwarder_url}/ns/{namespace}"
    settings = {"accountId": "12001", "dataFileUrl": url}
    requests.put(f"{segment}/_forwarder/settings", json=settings, timeout=10).raise_for_status()
    for number, name in enumerate(("Order Completed", "order completed", "Order Completed")):
        event = {
            "userId": f"u-{number}", "event": name, "messageId": f"m-{number}", "properties": {"revenue": 10 + number},
            "timestamp": "2026-01-15T10:00:00Z", "writeKey": "k",
        }  # fmt: skip
        requests.post(f"{segment}/v1/track", json=event, timeout=10).raise_for_status()
    SegmentSource(segment).ended(3, state="ended")


def test_live_traffic_is_recorded_and_passes_from_the_file(
    sandbox: LocalServers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _live(sandbox, "live")
    file = tmp_path / "live.scenario.yaml"
    assert _record(sandbox, "live", "-o", str(file)) == 0
    assert (tmp_path / "live.datafile-42.json").exists()
    text = file.read_text(encoding="utf-8")
    assert "outcome: unmatched_event_key" in text
    assert text.startswith("# Recorded by `optilocal record`")
    assert main(["run", str(file)]) == 0
    assert "1 passed" in capsys.readouterr().out


def test_one_event_by_its_message_id_on_standard_output_carries_its_datafile(
    sandbox: LocalServers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _live(sandbox, "one")
    assert _record(sandbox, "one", "--message-id", "m-1") == 0
    file = tmp_path / "one.scenario.yaml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    (scenario,) = load_file(file)
    assert [step.arguments["messageId"] for step in scenario.tracks] == ["m-1"]
    assert scenario.datafile["sdkKey"] == "shop"
    assert main(["run", str(file), "--quiet"]) == 0


def test_a_wrong_recording_is_refused_in_one_line(
    sandbox: LocalServers, capsys: pytest.CaptureFixture[str]
) -> None:
    EmulatorClient(sandbox.emulator_url, "idle").put_datafile("shop", read_datafile(SHOP))
    for namespace, options, reason in (
        ("nobody", (), "no datafile was ever set"),
        ("idle", (), "nothing was recorded"),
        ("idle", ("--message-id", "m-9"), "no event with the message id 'm-9'"),
    ):
        assert _record(sandbox, namespace, *options) == 2
        said = capsys.readouterr().err
        assert reason in said
        assert said.count("\n") == 1
    assert main(["record", "--emulator", "http://127.0.0.1:9"]) == 2
    assert "no emulator answers" in capsys.readouterr().err


def test_what_an_sdk_sent_is_left_out_and_said_so(sandbox: LocalServers, tmp_path: Path) -> None:
    _live(sandbox, "sdk")
    event = {"timestamp": NOW, "uuid": "sdk-1", "key": "Order Completed", "entity_id": "20410060001"}
    batch = {
        "account_id": "12001",
        "visitors": [{"visitor_id": "s-1", "snapshots": [{"decisions": [], "events": [event]}]}],
    }
    requests.post(f"{sandbox.emulator_url}/ns/sdk/v1/events", json=batch, timeout=10).raise_for_status()
    file = tmp_path / "sdk.scenario.yaml"
    assert _record(sandbox, "sdk", "-o", str(file)) == 0
    text = file.read_text(encoding="utf-8")
    assert "# Left out: 1 conversion, which an SDK sent and no source event." in text
    assert "results:" not in text


TIMES = st.integers(0, 200_000)


@given(
    st.lists(
        st.tuples(st.sampled_from(["decision", "datafile", "track"]), TIMES, TIMES), min_size=1, max_size=8
    )
)
def test_no_conversion_changes_sides_on_the_scenarios_clock(drawn: list[tuple[str, int, int]]) -> None:
    moments = []
    for number, (kind, at, event_at) in enumerate(drawn):
        if kind == "track":
            call = {"track": {"event": str(number), "timestamp": None}}
            moments.append(Moment(NOW + at, call, verdict={}, visitor="u", event_at=NOW + event_at))
        else:
            moments.append(
                Moment(NOW + at, {kind: number}, fixed=True, visitor="u" if kind == "decision" else None)
            )
    start, ordered, spread = laid_out(moments)
    clock, played = start, {}
    for index, moment in enumerate(ordered):
        if "wait" in moment.step:
            clock += _ms(moment.step["wait"])
        played[str(moment.step)] = clock + index * 1000
    for moment in moments:
        if not moment.fixed:
            continue
        time = played[str(moment.step)]
        for track, (kind, _, event_at) in zip(moments, drawn, strict=True):
            if kind == "track":
                (now,) = [
                    one
                    for one in ordered
                    if one.step.get("track", {}).get("event") == track.step["track"]["event"]
                ]
                at = _epoch(now.step["track"]["timestamp"]) if spread else NOW + event_at
                assert (moment.at <= NOW + event_at) == (time <= at)


def _ms(text: str) -> int:
    units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
    number = text.rstrip("dhms")
    return int(number) * units[text[len(number) :]]


def _epoch(text: str) -> int:
    from datetime import datetime  # noqa: PLC0415

    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_message_id_twice_in_one_batch_passes_when_it_is_done_again(
    sandbox: LocalServers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator = EmulatorClient(sandbox.emulator_url, "twice")
    url = emulator.put_datafile("shop", {**read_datafile(SHOP), "sdkKey": "shop"})["url"]
    segment = f"{sandbox.forwarder_url}/ns/twice"
    settings = {"accountId": "12001", "dataFileUrl": url}
    requests.put(f"{segment}/_forwarder/settings", json=settings, timeout=10).raise_for_status()
    event = {"type": "track", "userId": "u-1", "event": "Order Completed", "messageId": "m-1"}
    batch = {"batch": [event, event, {**event, "messageId": "m-2"}], "writeKey": "k"}
    requests.post(f"{segment}/v1/batch", json=batch, timeout=10).raise_for_status()
    SegmentSource(segment).ended(3, state="ended")
    file = tmp_path / "twice.scenario.yaml"
    assert _record(sandbox, "twice", "-o", str(file)) == 0, capsys.readouterr().err
    (recorded,) = load_file(file)
    assert [step.arguments["messageId"] for step in recorded.tracks] == ["m-1", "m-1", "m-2"]
    assert [track["outcome"] for track in recorded.expect["tracks"]][1] == "duplicate"


def test_nothing_is_overwritten_unless_it_is_asked_for(
    sandbox: LocalServers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _live(sandbox, "kept")
    file = tmp_path / "kept.scenario.yaml"
    file.write_text("mine")
    assert _record(sandbox, "kept", "-o", str(file)) == 2
    assert capsys.readouterr().err == f"optilocal: {file} is there already; --force overwrites it\n"
    assert file.read_text() == "mine"
    assert _record(sandbox, "kept", "-o", str(file), "--force") == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"recorded 3 track calls in {file}, kept.datafile-42.json beside it")
    assert (told.out.count("\n"), told.err) == (1, "")
    odd = tmp_path / "odd.yaml"
    assert _record(sandbox, "kept", "-o", str(odd)) == 0
    assert "odd.yaml does not end in .scenario.yaml" in capsys.readouterr().err
