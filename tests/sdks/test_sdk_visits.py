"""What Optimizely's Python and JavaScript SDKs decide and send means the same to the emulator, and what it should."""

from __future__ import annotations

from typing import Any

import pytest
from sdk_applications import Application, PythonApplication, Step

from optilocal.scenarios.running.emulator_client import EmulatorClient

ORDER = "Order Completed"
PAID = {"revenue": 4999, "value": 49.99}


def decide(user: str, flag: str = "checkout", **more: Any) -> Step:
    return {"user": user, "decide": flag, **more}


def track(user: str, event: str = ORDER, **tags: Any) -> Step:
    return {"user": user, "track": event, "tags": tags}


def counts(optimizely: EmulatorClient, experiment: str) -> dict[str, Any]:
    found: dict[str, Any] = optimizely.results()[experiment]["variations"]
    return found


def decisions(optimizely: EmulatorClient) -> list[dict[str, Any]]:
    return optimizely.listing("events", kind="decision")


def nothing_to_complain_of(optimizely: EmulatorClient) -> bool:
    exchanges = optimizely.exchanges(surface="events")
    rows = optimizely.listing("events")
    assert exchanges
    return not any(row["violations"] or row["warnings"] for row in exchanges) and not any(
        row["problems"] or row["warnings"] for row in rows
    )


def test_a_decision_and_a_forced_one_count_where_they_put_the_visitor(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    forced = {"rule": "checkout_test", "variation": "control"}
    visit = application.visit(
        optimizely.base_url,
        shop["sdkKey"],
        decide("u-1"),
        track("u-1", **PAID),
        track("u-1", **PAID),
        decide("u-2", force=forced),
        track("u-2", **PAID),
        track("u-3", **PAID),
    )
    assert visit.seen[0] == {"variation": "treatment", "rule": "checkout_test", "enabled": True}
    assert visit.seen[3] == {"variation": "control", "rule": "checkout_test", "enabled": True}
    outcomes = {(row["visitor_id"], row["outcome"]) for row in optimizely.verdicts()}
    assert outcomes == {("u-1", "counted"), ("u-2", "counted"), ("u-3", "user_not_activated")}
    treatment, control = (counts(optimizely, "checkout_test")[name] for name in ("treatment", "control"))
    assert (treatment["visitors"], control["visitors"]) == (1, 1)
    assert treatment["metrics"][ORDER] == {"unique": 1, "total": 2, "revenue": 9998, "value": 99.98}
    assert control["metrics"][ORDER] == {"unique": 1, "total": 1, "revenue": 4999, "value": 49.99}
    assert nothing_to_complain_of(optimizely)


def test_a_delivery_is_received_and_has_no_results(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    gold = {"plan": "gold"}
    visit = application.visit(
        optimizely.base_url,
        shop["sdkKey"],
        decide("u-1", "express_delivery", attributes=gold),
        decide("u-2", "search"),
        track("u-2", "Products Searched"),
    )
    assert [(seen or {}).get("rule") for seen in visit.seen] == [
        "express_delivery_gold",
        "search_everyone_else",
        None,
    ]
    assert [row["rule_type"] for row in decisions(optimizely)] == ["rollout", "rollout"]
    assert not {"express_delivery_gold", "search_everyone_else"} & set(optimizely.results())
    (verdict,) = optimizely.verdicts()
    assert verdict["outcome"] == "user_not_activated"
    assert any("search_everyone_else" in detail for detail in verdict["details"])
    assert nothing_to_complain_of(optimizely)


def test_without_send_flag_decisions_only_experiments_send(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    optimizely.put_datafile(shop["sdkKey"], {**shop, "revision": "43", "sendFlagDecisions": False})
    application.visit(
        optimizely.base_url,
        shop["sdkKey"],
        decide("u-1", "express_delivery"),
        decide("u-1", "pricing"),
        decide("u-1"),
    )
    assert [row["flag_key"] for row in decisions(optimizely)] == ["checkout"]


@pytest.mark.parametrize(
    ("flag", "event", "attributes", "holdout"),
    [
        ("checkout", ORDER, {"holdout_panel": True}, "shop_wide_holdout"),
        ("search", "Products Searched", {"is_staff": True, "plan": "gold"}, "search_staff_holdout"),
    ],
    ids=["global", "local"],
)
def test_a_holdout_sends_a_decision_and_keeps_the_visitor_out(
    application: Application,
    optimizely: EmulatorClient,
    shop: dict[str, Any],
    flag: str,
    event: str,
    attributes: dict[str, Any],
    holdout: str,
) -> None:
    visit = application.visit(
        optimizely.base_url, shop["sdkKey"], decide("u-1", flag, attributes=attributes), track("u-1", event)
    )
    assert visit.seen[0] == {"variation": "off", "rule": holdout, "enabled": False}
    (decision,) = decisions(optimizely)
    assert (decision["rule_type"], decision["rule_key"]) == ("holdout", holdout)
    (verdict,) = optimizely.verdicts()
    assert verdict["outcome"] == "user_not_activated"
    assert holdout in verdict["explanation"]
    for key, experiment in optimizely.results().items():
        if key != holdout:
            assert all(variation["visitors"] == 0 for variation in experiment["variations"].values())
    assert nothing_to_complain_of(optimizely)


def test_nobody_enters_a_paused_experiment(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    visit = application.visit(
        optimizely.base_url, shop["sdkKey"], decide("u-1", "pricing"), track("u-1", "Plan Upgraded")
    )
    assert visit.seen[0] == {"variation": None, "rule": None, "enabled": False}
    # Sent all the same, with empty ids, for sendFlagDecisions is on.
    (decision,) = decisions(optimizely)
    assert (decision["flag_key"], decision["experiment_id"] or None) == ("pricing", None)
    assert [row["outcome"] for row in optimizely.verdicts()] == ["experiment_not_running"]
    assert nothing_to_complain_of(optimizely)


def test_an_event_of_several_experiments_counts_in_each_that_the_visitor_is_in(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    application.visit(
        optimizely.base_url,
        shop["sdkKey"],
        decide("u-1", attributes={"plan": "gold"}),
        decide("u-1", "search"),
        track("u-1", "Product Added"),
    )
    (verdict,) = optimizely.verdicts()
    assert {(row["experiment"], row["variation"]) for row in verdict["attributed_to"]} == {
        ("checkout_test", "treatment"),
        ("search_ranking_test", "personal"),
    }
    assert counts(optimizely, "search_ranking_test")["personal"]["metrics"]["Product Added"]["total"] == 1


def test_a_group_lets_each_visitor_into_one_experiment(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    users = [f"u-{number}" for number in range(12)]
    visit = application.visit(
        optimizely.base_url, shop["sdkKey"], *(decide(user, "recommendations") for user in users)
    )
    expected = {"recommend_similar_test": 0, "recommend_bought_together_test": 0}
    for seen in visit.seen:
        assert seen is not None
        expected[seen["rule"]] += 1
    shown = {
        key: sum(variation["visitors"] for variation in counts(optimizely, key).values()) for key in expected
    }
    assert shown == expected
    assert sum(shown.values()) == len(users)
    assert min(shown.values()) > 0


def test_a_bot_is_received_and_left_out(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    crawler = {"$opt_user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    application.visit(
        optimizely.base_url, shop["sdkKey"], decide("u-1", attributes=crawler), track("u-1", **PAID)
    )
    assert [row["outcome"] for row in optimizely.verdicts()] == ["excluded"]
    assert counts(optimizely, "checkout_test")["treatment"]["visitors"] == 0


def test_an_event_that_the_datafile_lacks_is_never_sent(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    application.visit(optimizely.base_url, shop["sdkKey"], decide("u-1"), track("u-1", "order completed"))
    assert optimizely.listing("events", kind="conversion") == []
    assert optimizely.verdicts() == []


def test_each_sdk_has_its_own_way_with_fractions_of_cents(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    application.visit(
        optimizely.base_url, shop["sdkKey"], decide("u-1"), track("u-1", revenue=19.99, value=19.99)
    )
    (conversion,) = optimizely.listing("events", kind="conversion")
    # Left out by the one, cut off by the other; what the application meant stays in the tags.
    assert conversion["revenue"] == {"python": None, "javascript": 19}[application.name]
    assert conversion["tags"]["revenue"] == 19.99
    assert conversion["value"] == 19.99
    (verdict,) = optimizely.verdicts()
    assert verdict["outcome"] == "counted"
    assert [note["code"] for note in verdict["warnings"]] == ["revenue_lost"]


def test_any_letters_name_a_visitor(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    user, plan = "Zoë 🛒 «été»", "金"
    application.visit(
        optimizely.base_url, shop["sdkKey"], decide(user, attributes={"plan": plan}), track(user, shop="Çа")
    )
    (verdict,) = optimizely.verdicts()
    assert (verdict["visitor_id"], verdict["outcome"]) == (user, "counted")
    sent = {row["key"]: row["value"] for row in decisions(optimizely)[0]["attributes"]}
    assert sent["plan"] == plan
    (conversion,) = optimizely.listing("events", kind="conversion")
    assert conversion["tags"] == {"shop": "Çа"}


@pytest.mark.parametrize(
    ("region", "host"), [("US", "logx.optimizely.com"), ("EU", "eu.logx.optimizely.com")]
)
def test_the_datafiles_region_chooses_the_host(
    application: Application, optimizely: EmulatorClient, shop: dict[str, Any], region: str, host: str
) -> None:
    optimizely.put_datafile(shop["sdkKey"], {**shop, "revision": "43", "region": region})
    visit = application.visit(optimizely.base_url, shop["sdkKey"], decide("u-1"))
    assert visit.posts == [{"url": f"https://{host}/v1/events", "status": 204}]


def test_an_unknown_key_makes_nobody_ready(application: Application, optimizely: EmulatorClient) -> None:
    assert application.visit(optimizely.base_url, "no-such-key").ready is False
    refused = optimizely.exchanges(surface="datafile")
    assert refused
    assert {row["status"] for row in refused} == {403}


@pytest.mark.node
def test_both_sdks_decide_alike_and_are_one_visitor(
    javascript: Application, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    users = [f"shopper-{number}" for number in range(20)]
    steps = [decide(user) for user in users]
    seen = [
        application.visit(optimizely.base_url, shop["sdkKey"], *steps).seen
        for application in (PythonApplication(), javascript)
    ]
    assert seen[0] == seen[1]
    # Decided in the browser's language, converted on the server.
    PythonApplication().visit(
        optimizely.base_url, shop["sdkKey"], *(track(user, revenue=100) for user in users)
    )
    assert {row["outcome"] for row in optimizely.verdicts()} == {"counted"}
    shown = counts(optimizely, "checkout_test")
    assert sum(variation["visitors"] for variation in shown.values()) == len(users)
    assert sum(variation["metrics"][ORDER]["revenue"] for variation in shown.values()) == 100 * len(users)
    assert len(decisions(optimizely)) == 2 * len(users)
