"""The viewer's way to the forwarder through the emulator, and the preview that goes through both and leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings, read_settings
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.servers import LocalServers, ServerOptions
from optilocal.serving.options import OptionsError

ORDER = {"type": "track", "event": "Order Completed", "userId": "u-1", "properties": {"revenue": 4999}}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LocalServers]:
    with LocalServers(
        ServerOptions(emulator_port=0, forwarder_port=0, datafiles=(str(SHOP),)), with_forwarder=True
    ) as running:
        yield running


def ask(sandbox: LocalServers, method: str, path: str, **more: Any) -> requests.Response:
    return requests.request(method, f"{sandbox.emulator_url}{path}", timeout=30, **more)


def previewed(sandbox: LocalServers, *events: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = ask(sandbox, "POST", "/_emulator/preview", json={"events": list(events), **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["verdicts"])


def test_the_emulator_of_a_sandbox_knows_its_forwarder_and_passes_on_what_it_is_asked(
    sandbox: LocalServers,
) -> None:
    known = ask(sandbox, "GET", "/_emulator/viewer").json()
    assert known["forwarder"] == sandbox.forwarder_url
    straight = requests.get(f"{sandbox.forwarder_url}/ns/passed/_forwarder/mappings", timeout=30)
    assert ask(sandbox, "GET", "/ns/passed/_emulator/forwarder/_forwarder/mappings").json() == straight.json()
    put = ask(sandbox, "PUT", "/ns/passed/_emulator/forwarder/_forwarder/settings", json={"accountId": "7"})
    assert put.json()["accountId"] == "7"
    assert ask(sandbox, "GET", "/_emulator/forwarder/_forwarder/settings").json()["accountId"] == "12001"
    refused = ask(sandbox, "PUT", "/_emulator/forwarder/_forwarder/mappings", json=[{"name": "x"}])
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_mappings")
    made = {
        "sourceId": "s",
        "title": "not%20now",
        "if": "event = 'x'",
        "actions": [{"type": "DROP"}],
        "enabled": True,
    }
    created = ask(sandbox, "POST", "/ns/passed/_emulator/forwarder/destination/a%20b/filters", json=made)
    assert created.json()["data"]["filter"]["destinationId"] == "a b"
    path = "/ns/passed/_emulator/forwarder/destination/d-1/filters?pagination[count]=1"
    [listed] = ask(sandbox, "GET", path).json()["data"]["filters"]
    assert ask(sandbox, "DELETE", path.replace("?", f"/{listed['id']}?")).status_code == 200


def test_addresses_that_the_forwarder_does_not_have_are_not_passed_on(sandbox: LocalServers) -> None:
    for path in ("x", "ns/y/_forwarder/health", "_emulator/health"):
        assert ask(sandbox, "GET", f"/_emulator/forwarder/{path}").status_code == 404


def test_without_a_forwarder_it_says_so_and_with_one_that_is_gone_too() -> None:
    with EmulatorServer(Settings(port=0)) as alone:
        assert requests.get(f"{alone.base_url}/_emulator/viewer", timeout=30).json()["forwarder"] is None
        for path in ("forwarder/_forwarder/health", "preview"):
            answer = requests.request(
                "POST" if path == "preview" else "GET",
                f"{alone.base_url}/_emulator/{path}",
                json={"events": [ORDER]},
                timeout=30,
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_forwarder")
            assert "optilocal up" in answer.json()["error"]["message"]
        alone.speak_to(alone.base_url.rsplit(":", 1)[0] + ":9")
        answer = requests.get(f"{alone.base_url}/_emulator/forwarder/_forwarder/health", timeout=30)
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "forwarder_unreachable")


def test_a_preview_tells_the_whole_way_and_leaves_no_trace(sandbox: LocalServers) -> None:
    [lost] = previewed(sandbox, ORDER)
    assert (lost["outcome"], lost["preview"], lost["number"]) == ("user_not_activated", True, None)
    assert [request["to"] for request in lost["delivery"]["requests"]] == ["datafile", "events"]
    assert lost["delivery"]["requests"][1]["json"]["visitors"][0]["visitor_id"] == "u-1"
    outcomes = [
        one["outcome"]
        for one in previewed(
            sandbox,
            {**ORDER, "event": "order completed"},
            {**ORDER, "properties": {"revenue": 0.5}},
            {"type": "identify", "userId": "u-1"},
            {key: value for key, value in ORDER.items() if key != "userId"} | {"anonymousId": "a-1"},
        )
    ]
    assert outcomes == ["unmatched_event_key", "invalid_payload", "not_subscribed", "unidentified_user"]
    for listing in ("exchanges", "verdicts", "events"):
        assert ask(sandbox, "GET", f"/_emulator/{listing}").json()[listing] == []
    assert ask(sandbox, "GET", "/_emulator/forwarder/_forwarder/deliveries").json()["deliveries"] == []


def test_a_preview_takes_other_mappings_other_settings_and_experiments_that_run(
    sandbox: LocalServers,
) -> None:
    mapping = {"name": "m", "trigger": 'type = "page"', "enabled": True, "fields": {}}
    assert previewed(sandbox, ORDER, mappings=[mapping])[0]["outcome"] == "not_subscribed"
    elsewhere = {"dataFileUrl": "https://cdn.optimizely.com/datafiles/nobody.json"}
    unavailable = previewed(sandbox, ORDER, settings=elsewhere)[0]
    assert unavailable["outcome"] == "datafile_unavailable"
    # In the words of a real delivery, for which the CDN's answer has a reason.
    assert any(line.endswith(" answered 403 Forbidden") for line in unavailable["details"]), unavailable[
        "details"
    ]
    upgrade = {**ORDER, "event": "Plan Upgraded"}
    assert previewed(sandbox, upgrade)[0]["outcome"] == "experiment_not_running"
    assert previewed(sandbox, upgrade, running=["pricing_page_test"])[0]["outcome"] == "user_not_activated"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"events": []},
        {"events": [1]},
        {"events": [ORDER], "mapping": 1},
        {"events": [ORDER], "running": "x"},
    ],
)
def test_a_preview_that_cannot_be_made_is_refused_in_one_line(sandbox: LocalServers, body: Any) -> None:
    answer = ask(sandbox, "POST", "/_emulator/preview", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_preview"), answer.text


def test_a_previews_datafile_has_an_http_status(sandbox: LocalServers) -> None:
    body = {"events": [ORDER], "datafile": {"status": "x"}}
    answer = ask(sandbox, "POST", "/_emulator/forwarder/_forwarder/preview", json=body)
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        {
            "code": "invalid_preview",
            "message": "the datafile's status must be an HTTP status, a whole number from 100 to 999",
        },
    )


@pytest.mark.parametrize(
    ("trigger", "meaning", "problem"),
    [
        (
            'type = "track" and event = "Order Completed"',
            "An event sets it off when type is “track” and event is “Order Completed”.",
            None,
        ),
        (
            '(properties.total >= 10 or traits.vip = true) and !contains(event, "Test")',
            "An event sets it off when (properties.total is a number of 10 or more or traits.vip is true) and event is a text "
            "without “Test”.",
            None,
        ),
        (
            "",
            "No event sets it off: it cannot be parsed.",
            "Cannot read properties of undefined (reading 'type')",
        ),
        ("type", "No event sets it off: it cannot be parsed.", "Value token is missing"),
    ],
)
def test_a_trigger_is_told_in_words(
    sandbox: LocalServers, trigger: str, meaning: str, problem: str | None
) -> None:
    answer = requests.post(
        f"{sandbox.forwarder_url}/_forwarder/trigger", json={"trigger": trigger}, timeout=30
    )
    assert (answer.json()["meaning"], answer.json()["problem"]) == (meaning, problem)


def test_what_in_a_trigger_is_surely_not_meant_stands_with_its_place(sandbox: LocalServers) -> None:
    body = {"trigger": 'type = "track" && event = "order completed"', "event_names": ["Order Completed"]}
    notes = requests.post(f"{sandbox.forwarder_url}/_forwarder/trigger", json=body, timeout=30).json()[
        "notes"
    ]
    assert [(note["at"], note["text"]) for note in notes] == [(15, "&&"), (26, '"order completed"')]
    refused = requests.post(f"{sandbox.forwarder_url}/_forwarder/trigger", json={"trigger": 1}, timeout=30)
    assert refused.status_code == 400


def test_the_fields_of_a_mapping_have_type_and_default(sandbox: LocalServers) -> None:
    told = requests.get(f"{sandbox.forwarder_url}/_forwarder/fields", timeout=30).json()
    assert (told["trigger"], told["most"]) == ('type = "track"', 50)
    by_key = {one["key"]: one for one in told["fields"]}
    assert by_key["revenue"] == {
        "key": "revenue",
        "label": "Revenue",
        "type": "integer",
        "required": False,
        "default": {"@path": "$.properties.revenue"},
    }
    assert [key for key, one in by_key.items() if one["required"]] == [
        "eventKey",
        "userId",
        "timestamp",
        "uuid",
    ]


def test_an_emulator_alone_is_told_where_the_forwarder_is() -> None:
    settings = read_settings(["--port", "0", "--forwarder", "http://127.0.0.1:9"], {})
    with EmulatorServer(settings) as alone:
        told = requests.get(f"{alone.base_url}/_emulator/viewer", timeout=30).json()
        assert told["forwarder"] == "http://127.0.0.1:9"
    with pytest.raises(OptionsError, match=r"--forwarder.*http://"):
        read_settings(["--forwarder", "127.0.0.1:8411"], {})


def test_servers_with_a_token_are_reached_with_it_and_emulators_of_one_journal_share_what_pages_name(
    tmp_path: Path,
) -> None:
    settings = Settings(port=0, token="sesame", journal=tmp_path / "journal")
    shown = {"Authorization": "Bearer sesame"}
    with (
        EmulatorServer(settings) as emulator,
        EmulatorServer(settings) as other,
        ForwarderServer(ServerSettings(port=0, token="sesame", optimizely=emulator.base_url)) as forwarder,
    ):
        emulator.speak_to(forwarder.base_url)
        path = "/_emulator/forwarder/_forwarder/mappings"
        assert requests.get(emulator.base_url + path, timeout=30).status_code == 401
        assert requests.get(emulator.base_url + path, headers=shown, timeout=30).json()["mappings"]
        tokens = {
            requests.get(f"{each.base_url}/_emulator/viewer", headers=shown, timeout=30).json()["token"]
            for each in (emulator, other)
        }
        assert len(tokens) == 1
        own = {**shown, "Origin": other.base_url, "X-Optilocal-Token": tokens.pop()}
        assert (
            requests.delete(f"{other.base_url}/_emulator/faults", headers=own, timeout=30).status_code == 200
        )
