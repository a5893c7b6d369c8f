"""Holdouts: who is held out and who is everyone else, and what both did."""

from typing import Any

import pytest
from field_builders import NOW, SECOND, conversion, datafile, decision, experiment, history
from plain_counting import results

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory

FLAG = {"id": "f", "key": "pay", "experimentIds": [], "rolloutId": "", "variables": []}


def held(visitor: str, at: int = NOW, key: str = "kept_out", **more: Any) -> EventRow:
    """A decision by a holdout."""
    return decision(visitor, f"{key}-a", at, **{"rule_type": "holdout", **more})


def decided(visitor: str, at: int = NOW, **more: Any) -> EventRow:
    """A decision by an experiment."""
    return decision(visitor, "checkout-a", at, **more)


def undecided(visitor: str, flag: str, at: int = NOW) -> EventRow:
    """A decision that no rule took, as SDKs send it with `sendFlagDecisions`."""
    return decision(
        visitor,
        "checkout-a",
        at,
        experiment_id="",
        variation_id="",
        campaign_id="",
        rule_type="rollout",
        flag_key=flag,
    )


def holdout(
    *rows: EventRow, past: DatafileHistory | None = None, rules: Rules | None = None, key: str = "kept_out"
) -> Any:
    return results(rows, past or history(), rules or Rules())["holdouts"][key]


def groups(*rows: EventRow, **more: Any) -> tuple[int, int]:
    """How many visitors are held out, and how many are everyone else."""
    found = holdout(*rows, **more)["groups"]
    return found["holdout"]["visitors"], found["everyone_else"]["visitors"]


def buyers(*rows: EventRow, event: str = "Order Completed", **more: Any) -> tuple[int, int]:
    """How many of either group bought."""
    found = holdout(*rows, **more)["groups"]
    return tuple(found[group]["metrics"][event]["unique"] for group in ("holdout", "everyone_else"))  # type: ignore[return-value]


def test_the_held_out_are_counted_against_everyone_else() -> None:
    rows = [held("u-1"), decided("u-2"), decided("u-3")]
    rows += [
        conversion("u-1", at=NOW + SECOND, revenue=500, value=1.5),
        conversion("u-2", at=NOW + SECOND, revenue=700),
        conversion("u-2", at=NOW + 2 * SECOND, revenue=100),
    ]
    found = holdout(*rows)
    assert (found["id"], found["status"]) == ("exp-kept_out", "Running")
    shown = {
        name: (group["visitors"], group["metrics"]["Order Completed"])
        for name, group in found["groups"].items()
    }
    assert shown == {
        "holdout": (1, {"unique": 1, "total": 1, "revenue": 500, "value": 1.5}),
        "everyone_else": (2, {"unique": 1, "total": 2, "revenue": 800, "value": 0}),
    }


def test_a_holdout_without_visitors_is_shown_at_zero_and_is_no_experiment() -> None:
    assert groups() == (0, 0)
    assert "kept_out" not in results([held("u-1")], history(), Rules())["experiments"]


def test_the_first_decision_decides_and_of_one_moment_the_holdouts() -> None:
    assert groups(held("u-1"), decided("u-1", NOW + SECOND)) == (1, 0)
    assert groups(held("u-1", NOW + SECOND), decided("u-1")) == (0, 1)
    assert groups(decided("u-1"), held("u-1")) == (1, 0)


@pytest.mark.parametrize(
    "decision_",
    [
        held("u-1", holdback=True),
        held("u-1", problems=[{"code": "no", "message": "no"}]),
        held("u-1", account_id="99"),
        held("u-1", user_agent_bot=True),
        decided("u-1", account_id="99"),
        decision("u-1", "unknown-a"),
    ],
)
def test_what_does_not_count_puts_nobody_anywhere(decision_: EventRow) -> None:
    assert groups(decision_, conversion("u-1"), rules=Rules(bot_filtering=True)) == (0, 0)


def test_a_decision_that_no_rule_took_is_everyone_else_in_the_one_environment_that_has_the_flag() -> None:
    with_flag = datafile(featureFlags=[FLAG])
    one = history((0, with_flag))
    assert groups(undecided("u-1", "pay"), past=one) == (0, 1)
    assert groups(undecided("u-1", "other"), past=one) == (0, 0)
    other = with_flag | {"sdkKey": "sdk-2", "holdouts": []}
    two = DatafileHistory({"sdk-1": [(0, with_flag)], "sdk-2": [(0, other)]})
    assert groups(undecided("u-1", "pay"), past=two) == (0, 0)


def test_a_delivery_decides_too() -> None:
    assert groups(decision("u-1", "delivery-a")) == (0, 1)


def test_decisions_of_another_environment_are_not_compared() -> None:
    production = datafile()
    development = datafile(
        sdkKey="sdk-2", environmentKey="development", experiments=[experiment("seat")], groups=[],
        rollouts=[], holdouts=[experiment("dev_out")],
    )  # fmt: skip
    past = DatafileHistory({"sdk-1": [(0, production)], "sdk-2": [(0, development)]})
    rows = [held("u-1"), decided("u-2"), held("u-3", key="dev_out"), decision("u-4", "seat-a")]
    assert groups(*rows, past=past) == (1, 1)
    assert groups(*rows, past=past, key="dev_out") == (1, 1)
    both = results(rows, past, Rules())["holdouts"]
    assert list(both) == ["kept_out", "dev_out"]


def test_two_holdouts_of_one_key_bear_their_environments() -> None:
    development = datafile(
        sdkKey="sdk-2", environmentKey="development", holdouts=[experiment("kept_out", id="dev")]
    )
    past = DatafileHistory({"sdk-1": [(0, datafile())], "sdk-2": [(0, development)]})
    assert list(results([], past, Rules())["holdouts"]) == ["kept_out", "kept_out (development)"]


def test_the_held_out_of_another_holdout_are_not_everyone_else() -> None:
    past = history((0, datafile(holdouts=[experiment("kept_out"), experiment("second")])))
    assert groups(held("u-1"), held("u-2", key="second"), past=past) == (1, 0)
    assert groups(held("u-1"), held("u-2", key="second"), past=past, key="second") == (1, 0)


def test_a_local_holdout_is_counted_alike() -> None:
    local = experiment("kept_out", includedRules=["exp-checkout"])
    past = history((0, datafile(holdouts=[], localHoldouts=[local])))
    rows = [held("u-1"), decision("u-1", "delivery-a"), decided("u-2"), conversion("u-1")]
    assert groups(*rows, past=past) == (1, 1)
    assert buyers(*rows, past=past) == (1, 0)


def test_only_while_the_holdout_runs() -> None:
    stopped = datafile(revision="2", holdouts=[experiment("kept_out", "Concluded")])
    past = history((NOW, datafile()), (NOW + 10 * SECOND, stopped))
    rows = [held("u-1"), held("u-2", NOW + 20 * SECOND), decided("u-3", NOW + 20 * SECOND)]
    assert groups(*rows, past=past) == (1, 0)
    late = conversion("u-1", at=NOW + 20 * SECOND)
    assert buyers(*rows, late, past=past) == (0, 0)
    assert buyers(*rows, late, past=past, rules=Rules(count_after_pause=True)) == (1, 0)
    assert buyers(*rows, conversion("u-1", at=NOW + 9 * SECOND), past=past) == (1, 0)


@pytest.mark.parametrize(
    ("bought", "count"),
    [
        (conversion("u-1", at=NOW), 1),
        (conversion("u-1", at=NOW - 1), 0),
        (conversion("u-1", account_id="99"), 0),
        (conversion("u-1", problems=[{"code": "no", "message": "no"}]), 0),
        (conversion("u-1", user_agent_bot=True), 0),
        (conversion("u-2"), 0),
        (conversion("u-1", "ev-nowhere"), 0),
    ],
)
def test_which_conversions_count(bought: EventRow, count: int) -> None:
    assert buyers(held("u-1"), bought, rules=Rules(bot_filtering=True)) == (count, 0)


def test_all_events_are_metrics_unless_some_name_the_holdout() -> None:
    assert set(holdout()["groups"]["holdout"]["metrics"]) == {
        "Order Completed", "Signed Up", "Plan Upgraded", "Newsletter Subscribed", "Delivery Seen",
    }  # fmt: skip
    assert buyers(held("u-1"), conversion("u-1", "ev-free"), event="Newsletter Subscribed") == (1, 0)
    events = [dict(event) for event in datafile()["events"]]
    events[0]["experimentIds"] = ["exp-checkout", "exp-kept_out"]
    past = history((0, datafile(events=events)))
    assert set(holdout(past=past)["groups"]["holdout"]["metrics"]) == {"Order Completed"}
    assert buyers(held("u-1"), conversion("u-1", "ev-free"), conversion("u-1"), past=past) == (1, 0)


def test_a_holdout_that_has_left_the_datafile_keeps_what_it_counted() -> None:
    past = history((NOW, datafile()), (NOW + 10 * SECOND, datafile(revision="2", holdouts=[])))
    assert groups(held("u-1"), past=past) == (1, 0)
    assert results([], past, Rules())["holdouts"] == {}
