"""The control surface over HTTP: health, what later events and datafiles change, runs, results, reset."""

import pytest
from field_builders import NOW, SECOND, activation, batch, datafile, experiment, purchase, report
from space import Space

from optilocal import __version__


def test_health_tells_the_version(space: Space) -> None:
    assert space.json("health") == {"status": "ok", "version": __version__}


def figures(space: Space) -> dict[str, float]:
    """The figures of a scrape, by name and label as they stand."""
    answer = space.get("/_emulator/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert answer.text.count("# TYPE ") == answer.text.count("# HELP ") == 5
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines)}


def test_metrics_tell_what_came_and_what_became_of_it(space: Space) -> None:
    space.put_datafile()
    assert space.rows("events") == []
    counted = 'optilocal_verdicts{outcome="counted"}'
    before = figures(space)
    space.send(batch(activation(), purchase()))
    assert len(space.rows("verdicts", outcome="counted")) == 1
    after = figures(space)
    assert after["optilocal_exchanges_total"] == before["optilocal_exchanges_total"] + 1
    assert after["optilocal_events_total"] == before["optilocal_events_total"] + 2
    assert after[counted] == before.get(counted, 0) + 1
    assert (after["optilocal_backlog"], after["optilocal_projects"]) == (0, 1)
    assert space.json("ready") == {"status": "ready", "waiting": 0}


def test_a_later_decision_changes_the_outcome_that_is_filtered_by(space: Space) -> None:
    space.put_datafile()
    space.send(batch(purchase()))
    assert len(space.rows("verdicts", outcome="user_not_activated")) == 1
    space.send(batch(activation()))
    assert space.rows("verdicts", outcome="user_not_activated") == []
    assert len(space.rows("verdicts", outcome="counted", experiment="checkout")) == 1


def test_a_later_datafile_changes_outcomes_and_results(space: Space) -> None:
    space.put_clock("2026-01-15T09:00:00Z")
    space.put_datafile(datafile(experiments=[experiment("checkout", "Paused")]))
    space.send(batch(activation(), purchase()))
    assert len(space.rows("verdicts", outcome="experiment_not_running")) == 1
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 0
    space.put_clock("2026-01-15T09:30:00Z")
    space.put_datafile(datafile(revision="2"))
    assert len(space.rows("verdicts", outcome="counted")) == 1
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 1


def test_results_follow_every_event(space: Space) -> None:
    space.put_datafile()
    for number in range(1, 4):
        space.send(
            batch(
                activation(f"u-{number}"), purchase(f"u-{number}", uuid=f"c-{number}", revenue=100, value=0.5)
            )
        )
        shown = space.json("results")["experiments"]["checkout"]["variations"]["a"]
        assert shown["visitors"] == 1  # every activation bears one uuid here, so the first alone counts
    assert shown["metrics"]["Order Completed"] == {"unique": 1, "total": 1, "revenue": 100, "value": 0.5}


def test_the_rest_shape_of_results(space: Space) -> None:
    space.put_datafile()
    assert space.get("/v2/experiments/exp-checkout/results").status_code == 204
    space.send(batch(activation(), purchase(revenue=4999)))
    answer = space.get("/v2/experiments/exp-checkout/results").json()
    assert answer["reach"]["total_count"] == 1
    orders = [metric for metric in answer["metrics"] if metric["name"] == "Order Completed"]
    kinds = {(metric["aggregator"], metric["field"]): metric for metric in orders}
    assert kinds[("unique", None)]["results"]["checkout-a"]["value"] == 1
    assert kinds[("sum", "revenue")]["results"]["checkout-a"]["value"] == 4999
    unknown = space.get("/v2/experiments/none/results")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    refused = space.get("/v2/experiments/exp-checkout/results", headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 403


def test_a_run_is_kept_whole_and_listed_without_its_scenarios(space: Space) -> None:
    scenarios = [
        {"name": "fine", "status": "passed"},
        {"name": "worse", "status": "failed"},
        {"status": "error"},
    ]
    run = {
        "id": "2026-01-15/1",
        "version": 1,
        "state": "running",
        "scenarios": scenarios,
        "counts": {"total": 3},
    }
    answer = space.call("POST", "/_emulator/runs", json=run)
    assert (answer.status_code, answer.json()) == (201, {"id": "2026-01-15/1"})
    assert space.json("runs/2026-01-15/1") == run
    [row] = space.rows("runs")
    assert (row["name"], row["counts"], "scenarios" in row) == ("worse", {"total": 3}, False)
    space.call("POST", "/_emulator/runs", json={**run, "state": "finished"})
    assert [each["state"] for each in space.rows("runs")] == ["finished"]
    assert space.rows("runs", status="finished")
    assert space.get("/_emulator/runs/none").json()["error"]["code"] == "unknown_run"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ([], "Expected `object`"),
        ({"state": "running"}, "missing required field `id`"),
        ({"id": 7}, "`$.id`"),
        ({"id": ""}, "`$.id`"),
        ({"id": "r" * 201}, "`$.id`"),
        ({"id": "r", "scenarios": 1}, "`$.scenarios`"),
        ({"id": "r", "scenarios": [{"differences": [7]}]}, "`$.scenarios[0].differences[0]`"),
        ({"id": "r", "state": {}}, "`$.state`"),
        ({"id": "r", "counts": None}, "`$.counts`"),
        ({"id": "r", "counts": {"failed": -1}}, "`$.counts.failed`"),
    ],
)  # fmt: skip
def test_a_run_of_another_shape_is_refused_with_the_place(space: Space, wrong: object, where: str) -> None:
    answer = space.call("POST", "/_emulator/runs", json=wrong)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_run" and where in answer.json()["error"]["message"]
    assert space.rows("runs") == []


def test_reset_forgets_the_journal_and_keeps_the_datafiles_unless_asked(space: Space, other: Space) -> None:
    for each in (space, other):
        each.put_datafile()
        each.put_clock("2026-01-15T10:00:00Z")
        each.put_faults({"on": "privacy", "status": 500})
        each.send(batch(activation(), purchase()))
        each.json("results")
        each.report(**report("9"))
        each.call("POST", "/_emulator/runs", json={"id": "r"})
    cursor = space.json("events")["next"]
    assert space.call("POST", "/_emulator/reset").status_code == 200
    for listing in ("events", "exchanges", "verdicts", "runs", "faults"):
        assert space.rows(listing) == []
        assert other.rows(listing)
    assert space.json("clock")["set"] is False
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 0
    assert space.get("/datafiles/sdk-1.json").status_code == 200
    space.send(batch(purchase()))
    assert space.rows("events", after=cursor)[0]["visitor_id"] == "u-1"
    assert space.call("POST", "/_emulator/reset", json={"datafiles": True}).status_code == 200
    assert space.get("/datafiles/sdk-1.json").status_code == 403
    results = space.json("results")
    assert results["experiments"] == results["holdouts"] == {}
    assert other.get("/datafiles/sdk-1.json").status_code == 200
    for wrong in ("[]", '{"datafiles": 1}', '{"all": true}'):
        assert space.call("POST", "/_emulator/reset", data=wrong).status_code == 400


def test_namespaces_are_listed_with_their_counts(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.send(batch(activation(), purchase()))
    row = next(row for row in space.rows("namespaces") if row["name"] == space.name)
    assert row == {"name": space.name, "events": 2, "verdicts": 1, "dropped": 0, "last_at": NOW}


def test_experiments_of_several_datafiles_are_judged_together(space: Space) -> None:
    space.put_datafile()
    extra = datafile(
        sdkKey="sdk-2", experiments=[experiment("second")], events=[], groups=[], rollouts=[], holdouts=[]
    )
    space.put_datafile(extra, "sdk-2")
    space.send(batch(activation(), purchase(timestamp=NOW + SECOND)))
    assert {"checkout", "second"} <= set(space.json("results")["experiments"])
    assert space.rows("verdicts")[0]["outcome"] == "counted"
