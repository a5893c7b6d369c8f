"""What the two surfaces take as a question on results, and how they answer and refuse it."""

import csv
import io
from typing import Any

import pytest
import requests
from field_builders import NOW, SECOND, activation, batch, datafile, experiment, purchase
from space import TOKEN, Space

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

REST = "/v2/experiments/exp-checkout/results"
MINUTE = 60 * SECOND
GOLD = [{"entity_id": "attr-1", "key": "plan", "type": "custom", "value": "gold"}]


def fill(space: Space) -> None:
    """Two visitors in variation a, one of them gold; the other comes eleven minutes later."""
    space.put_clock("2026-01-15T09:00:00Z")
    space.put_datafile()
    space.put_clock("2026-01-15T12:00:00Z")
    gold, late = (
        purchase("u-1", revenue=100),
        purchase("u-2", uuid="c-2", revenue=7, timestamp=NOW + 12 * MINUTE),
    )
    space.send(batch(activation("u-1", attributes=GOLD), {**gold, "attributes": GOLD}))
    space.send(batch(activation("u-2", NOW + 11 * MINUTE, "d-2"), late))


def order(space: Space, **params: Any) -> tuple[int, int]:
    arm = space.json("results", **params)["experiments"]["checkout"]["variations"]["a"]
    return arm["visitors"], arm["metrics"]["Order Completed"]["revenue"]


def rest_order(space: Space, **params: Any) -> tuple[int, int]:
    body = space.get(REST, params=params).json()
    [revenue] = [m for m in body["metrics"] if (m["name"], m["field"]) == ("Order Completed", "revenue")]
    return body["reach"]["variations"]["checkout-a"]["count"], revenue["results"]["checkout-a"]["value"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (2, 107)),
        ({"attribute": "plan", "value": "gold"}, (1, 100)),
        ({"attribute": "attr-1", "value": "gold"}, (1, 100)),
        ({"attribute": "plan", "value": ""}, (0, 0)),
        ({"start_time": "2026-01-15T10:00:00.001Z"}, (1, 7)),
        ({"end_time": "2026-01-15T10:11:00Z"}, (1, 100)),
        ({"end_time": "2026-01-15T10:11:00"}, (1, 100)),
        ({"end_time": "2026-01-15T11:11:00+01:00"}, (1, 100)),
        ({"end_time": "2026-01-15T10:11:00.001Z"}, (2, 100)),
        ({"start_time": "2026-01-15T10:00:00Z", "end_time": "2026-01-15T10:00:00.001Z"}, (1, 0)),
        ({"smoothing": "yes"}, (2, 107)),
    ],
)
def test_our_own_surface_takes_segment_range_and_smoothing(
    space: Space, params: dict[str, str], expected: tuple[int, int]
) -> None:
    fill(space)
    assert order(space, **params) == expected


def test_a_plus_sign_that_arrives_as_a_space_is_read(space: Space) -> None:
    fill(space)
    shown = space.get("/_emulator/results?end_time=2026-01-15T11:11:00+01:00").json()
    assert shown == space.json("results", end_time="2026-01-15T10:11:00Z")


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"attribute": "plan"}, "attribute"),
        ({"value": "gold"}, "attribute"),
        ({"attribute": "", "value": "gold"}, "attribute"),
        ({"smoothing": "perhaps"}, "smoothing"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"end_time": ""}, "end_time"),
        ({"start_time": "0001-01-01T00:00:00+23:00"}, "start_time"),
        ({"start_time": "2026-01-15T10:00:00Z", "end_time": "2026-01-15T10:00:00Z"}, "end_time"),
        ({"segment": "gold"}, "segment"),
    ],
)
def test_our_own_surface_refuses_in_one_line(space: Space, params: dict[str, str], told: str) -> None:
    answer = space.get("/_emulator/results", params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")
    assert told in answer.json()["error"]["message"]
    assert "\n" not in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (2, 107)),
        # The start is rounded up to whole five minutes, the end down.
        ({"start_time": "2026-01-15T10:00:00Z"}, (2, 107)),
        ({"start_time": "2026-01-15T09:55:00.001Z"}, (2, 107)),
        ({"start_time": "2026-01-15T10:00:00.001Z"}, (1, 7)),
        ({"end_time": "2026-01-15T10:14:59Z"}, (1, 100)),
        ({"end_time": "2026-01-15T10:15:00Z"}, (2, 107)),
        ({"attribute_id": "attr-1", "attribute_value": "gold"}, (1, 100)),
    ],
)
def test_the_rest_api_takes_segment_and_range(
    space: Space, params: dict[str, str], expected: tuple[int, int]
) -> None:
    fill(space)
    assert rest_order(space, **params) == expected


def test_the_rest_answer_tells_its_range(space: Space) -> None:
    fill(space)
    running = space.get(REST).json()
    assert running["start_time"] == "2026-01-15T09:00:00.000Z"
    assert running["end_time"] == "2026-01-15T12:00:00.000Z"
    asked = space.get(REST, params={"start_time": "2026-01-15T09:57:00Z", "end_time": "2026-01-15T10:19:00Z"})
    assert asked.json()["start_time"] == "2026-01-15T10:00:00.000Z"
    assert asked.json()["end_time"] == "2026-01-15T10:15:00.000Z"
    assert asked.json()["is_stale"] is False
    space.put_datafile(datafile(revision="2", experiments=[experiment("checkout", "Paused")]))
    space.put_clock("2026-01-15T13:00:00Z")
    assert space.get(REST).json()["end_time"] == "2026-01-15T12:00:00.000Z"


def test_a_range_without_visitors_is_204(space: Space) -> None:
    fill(space)
    assert space.get(REST, params={"start_time": "2026-01-15T11:00:00Z"}).status_code == 204
    narrow = {"start_time": "2026-01-15T10:01:00Z", "end_time": "2026-01-15T10:04:00Z"}
    assert space.get(REST, params=narrow).status_code == 204


def test_another_variation_can_be_the_baseline(space: Space) -> None:
    fill(space)
    results = space.get(REST, params={"baseline_variation_id": "checkout-b"}).json()["metrics"][0]["results"]
    assert {key: each["is_baseline"] for key, each in results.items()} == {
        "checkout-b": True,
        "checkout-a": False,
    }


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"start_time": "yesterday"}, "start_time"),
        ({"start_time": "2026-01-15T10:00:00Z", "end_time": "2026-01-15T09:00:00Z"}, "end_time"),
        ({"attribute_id": "attr-1"}, "attribute_value"),
        ({"attribute_value": "gold"}, "attribute_id"),
        ({"browser": "firefox"}, "browser"),
        ({"baseline_variation_id": "none"}, "baseline_variation_id"),
    ],
)
def test_the_rest_api_refuses_in_its_own_shape(space: Space, params: dict[str, str], wrong: str) -> None:
    fill(space)
    answer = space.get(REST, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert set(answer.json()["messages"]) == {wrong}
    assert space.get("/v2/experiments/none/results", params=params).status_code in (400, 404)


def test_smoothing_is_a_setting_and_a_parameter() -> None:
    settings = Settings(port=0, rules=Rules(smooth_outliers=True))
    with EmulatorServer(settings) as server, requests.Session() as session:
        space = Space(server.base_url, None, session)
        space.put_datafile()
        for number in range(12):
            bought = purchase(f"u-{number}", uuid=f"c-{number}", revenue=12_000 if number == 0 else 100)
            space.send(batch(activation(f"u-{number}", uuid=f"d-{number}"), bought))
        assert order(space) == rest_order(space) == (12, 1_100 + 1_092)
        assert order(space, smoothing="no") == (12, 13_100)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8410", "127.0.0.1.evil.example"])
def test_a_page_that_points_its_own_name_here_reads_nothing_of_the_rest_api(space: Space, host: str) -> None:
    fill(space)
    for path in (REST, "/v2/subject-access-requests", "/v2/none"):
        answer = space.get(path, headers={"Host": host, **TOKEN})
        assert answer.status_code == 403
        assert set(answer.json()) == {"code", "message", "uuid"}
        assert answer.json()["code"] == "foreign_host"
    assert (
        space.call("POST", "/v2/subject-access-requests", headers={"Host": host, **TOKEN}).status_code == 403
    )
    assert not space.rows("exchanges", surface="results")


@pytest.mark.parametrize("host", ["api.optimizely.com", "api.optimizely.com:443", "localhost", "127.0.0.1:1"])
def test_the_real_host_reaches_the_rest_api_through_a_proxy_or_a_hosts_file(space: Space, host: str) -> None:
    fill(space)
    answer = space.get(REST, headers={"Host": host, "Origin": "https://shop.example"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


HOLDOUT = "/v2/export/projects/20001/holdouts/exp-kept_out/results/csv"


def hold_out(visitor: str, uuid: str, at: int = NOW, **more: Any) -> dict[str, Any]:
    """A visitor with a holdout's decision in the form of Optimizely's SDKs."""
    decided = {
        "campaign_id": "exp-kept_out",
        "experiment_id": "exp-kept_out",
        "variation_id": None,
        "metadata": {
            "rule_type": "holdout",
            "rule_key": "kept_out",
            "flag_key": "pay",
            "variation_key": "off",
        },
    }
    event = {"entity_id": "exp-kept_out", "key": "campaign_activated", "uuid": uuid, "timestamp": at}
    return {
        "visitor_id": visitor,
        "attributes": [],
        "snapshots": [{"decisions": [decided], "events": [event]}],
        **more,
    }


def fill_holdout(space: Space) -> None:
    """What `fill` does, and a third visitor, who is gold and held out, buys for 3.00."""
    fill(space)
    bought = purchase("u-3", uuid="c-3", revenue=300)
    space.send(batch(hold_out("u-3", "d-3", attributes=GOLD), {**bought, "attributes": GOLD}))


def exported(answer: requests.Response) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of the purchase, by group and numerator."""
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    return {
        (row["Variation Name"], row["Metric Numerator Type"]): row
        for row in rows
        if row["Metric Event Name"] == "Order Completed"
    }


def test_a_holdouts_results_stand_beside_the_experiments(space: Space) -> None:
    fill_holdout(space)
    groups = space.json("results")["holdouts"]["kept_out"]["groups"]
    assert {name: group["visitors"] for name, group in groups.items()} == {"holdout": 1, "everyone_else": 2}
    assert groups["holdout"]["metrics"]["Order Completed"]["revenue"] == 300
    assert groups["everyone_else"]["metrics"]["Order Completed"]["revenue"] == 107
    gold = space.json("results", attribute="plan", value="gold")["holdouts"]["kept_out"]["groups"]
    assert {name: group["visitors"] for name, group in gold.items()} == {"holdout": 1, "everyone_else": 1}
    early = space.json("results", end_time="2026-01-15T10:11:00Z")["holdouts"]["kept_out"]["groups"]
    assert {name: group["visitors"] for name, group in early.items()} == {"holdout": 1, "everyone_else": 1}


def test_a_holdouts_results_are_exported_as_csv(space: Space) -> None:
    fill_holdout(space)
    answer = space.get(HOLDOUT, headers=TOKEN)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    rows = exported(answer)
    assert len(rows) == 8
    held, others = rows["Holdout", "total revenue"], rows["Everyone else", "total revenue"]
    assert (held["Numerator Value"], held["Denominator Value"], held["Metric Value"]) == ("300", "1", "300.0")
    assert (others["Numerator Value"], others["Denominator Value"], others["Metric Value"]) == (
        "107",
        "2",
        "53.5",
    )
    assert (held["Is Baseline Variation"], others["Is Baseline Variation"]) == ("true", "false")
    assert held["Improvement Value from Baseline"] == held["Statistical Significance"] == ""
    assert float(others["Improvement Value from Baseline"]) == pytest.approx(53.5 / 300 - 1)
    assert rows["Everyone else", "unique conversions"]["Metric Value"] == "1.0"
    assert (held["Start Time (UTC)"], held["End Time (UTC)"]) == (
        "2026-01-15T09:00:00.000Z",
        "2026-01-15T12:00:00.000Z",
    )
    gold = exported(space.get(HOLDOUT, params={"attribute_id": "attr-1", "attribute_value": "gold"}))
    assert gold["Everyone else", "total revenue"]["Numerator Value"] == "100"


def test_a_holdout_without_data_is_204_and_an_unknown_one_404(space: Space) -> None:
    space.put_datafile()
    assert (space.get(HOLDOUT).status_code, space.get(HOLDOUT).content) == (204, b"")
    for path in (
        HOLDOUT.replace("20001", "20002"),
        HOLDOUT.replace("exp-kept_out", "exp-checkout"),
        HOLDOUT.replace("kept_out", "nobody"),
    ):
        answer = space.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["start_time", "end_time", "browser", "segment_conditions"])
def test_what_a_holdouts_export_does_not_take_is_400(space: Space, name: str) -> None:
    space.put_datafile()
    answer = space.get(HOLDOUT, params={name: "2026-01-15T10:00:00Z"})
    assert answer.status_code == 400
    assert list(answer.json()["messages"]) == [name]


def test_a_token_for_a_holdouts_export_is_checked_when_one_is_sent(space: Space) -> None:
    space.put_datafile()
    assert space.get(HOLDOUT, headers={"Authorization": "Basic x"}).status_code == 401
    assert space.get(HOLDOUT, headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert space.get(HOLDOUT, headers=TOKEN).status_code == 204
