"""Datafiles by key and id, their history, and the names somebody probably meant."""

import pytest
from field_builders import NOW, datafile, experiment, history
from hypothesis import given
from hypothesis import strategies as st

from optilocal.emulator.datafile.datafile import (
    Datafile,
    DatafileError,
    is_running,
    problems,
    same_but_for_revision,
)
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.nearest import difference, fold, nearest

KEYS = ["Order Completed", "Product Viewed", "Product Clicked", "Signed Up", "Newsletter Subscribed"]


@pytest.mark.parametrize(
    ("obj", "says"),
    [
        (None, "a datafile is a JSON object, this is null"),
        ([], "a datafile is a JSON object, this is a list"),
        ({}, "the required key 'version' is missing"),
        (datafile(events={}), "events must be a list, it is an object"),
        (datafile(accountId=True), "accountId must be a string, it is a boolean"),
        (datafile(version="9"), "version must be one of 2, 3, 4, it is '9'"),
        (
            datafile(events=[{"id": "1", "key": "a", "experimentIds": "x"}]),
            "events[0].experimentIds must be a list",
        ),
        (
            datafile(experiments=[{"id": 5.5, "key": "a", "status": "Running"}]),
            "experiments[0].id must be a string",
        ),
        (
            datafile(experiments=[experiment("a", 5)]),
            "experiments[0].status must be a string, it is a number",
        ),
        (datafile(groups=[{"id": "g", "experiments": ["x"]}]), "groups[0].experiments[0] must be an object"),
        (datafile(rollouts=["r"]), "rollouts[0] must be an object, it is a string"),
        (datafile(attributes=[{"id": "1"}]), "attributes[0].key is missing"),
        (
            datafile(experiments=[experiment("a") | {"variations": [1]}]),
            "experiments[0].variations[0] must be",
        ),
    ],
)
def test_what_is_no_datafile_is_refused_in_one_line_that_names_the_place(obj, says):
    with pytest.raises(DatafileError, match="not an Optimizely datafile: ") as caught:
        Datafile.from_json(obj)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_all_problems_are_listed():
    found = problems({"version": "4", "revision": [], "events": [{}]})
    assert "revision must be a string, it is a list" in found
    assert "events[0].id is missing" in found and "events[0].key is missing" in found
    assert (
        "the required key 'projectId' is missing" in found
        and "the required key 'experiments' is missing" in found
    )


def test_everything_is_found_by_key_and_id():
    known = Datafile.from_json(datafile())
    assert (known.revision, known.sdk_key, known.project_id, known.account_id) == (
        "1",
        "sdk-1",
        "20001",
        "12001",
    )
    order = known.event("Order Completed")
    assert order is not None and order.id == "ev-order" and known.event_by_id("ev-order") == order
    assert known.event("order completed") is None and known.event_by_id(None) is None
    for key, kind in (
        ("checkout", "experiment"),
        ("banner", "experiment"),
        ("delivery", "delivery"),
        ("kept_out", "holdout"),
    ):
        rule = known.experiment_by_key(key)
        assert rule is not None and rule.kind == kind and known.experiment_by_id(f"exp-{key}") == rule
        assert [variation.key for variation in rule.variations] == ["a", "b"]
        assert rule.variation(f"{key}-b") == rule.variation_by_key("b") and rule.variation("x") is None
    assert known.attribute_keys == {"plan"} and known.bot_filtering is False


def test_metrics_belong_to_experiments_alone():
    known = Datafile.from_json(datafile())
    assert [e.key for e in known.experiments_with_metric("ev-both")] == ["checkout", "banner", "old"]
    assert known.experiments_with_metric("ev-rollout") == () == known.experiments_with_metric("ev-free")
    assert known.experiments_with_metric("nowhere") == ()
    assert [event.key for event in known.metrics["exp-checkout"]] == ["Order Completed", "Signed Up"]


def test_only_running_runs_and_a_targeted_delivery_is_no_experiment():
    known = Datafile.from_json(
        datafile(experiments=[experiment("x", "Launched"), experiment("t", type="td")])
    )
    launched, targeted = known.experiment_by_key("x"), known.experiment_by_key("t")
    assert launched and not is_running(launched)
    assert targeted and targeted.kind == "delivery"


def test_of_two_events_with_one_key_the_first_wins():
    twice = [{"id": "1", "key": "A", "experimentIds": []}, {"id": "2", "key": "A", "experimentIds": []}]
    found = Datafile.from_json(datafile(events=twice)).event("A")
    assert found is not None and found.id == "1"


def test_a_conversion_is_found_by_its_entity_id_and_by_key_only_without_one():
    known = Datafile.from_json(datafile())
    assert known.find_event("ev-order", "Signed Up") == known.event("Order Completed")
    assert (
        known.find_event(None, "Signed Up") == known.find_event("", "Signed Up") == known.event("Signed Up")
    )
    assert known.find_event("unknown", "Signed Up") is None


def test_the_first_revision_also_holds_before_its_time():
    paused = datafile(revision="2", experiments=[experiment("checkout", "Paused")])
    past = history((NOW, datafile()), (NOW + 10, paused))
    assert [past.running_at("exp-checkout", at) for at in (0, NOW, NOW + 9, NOW + 10, NOW + 99)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    newest = past.newest
    assert newest is not None and newest.revision == "2"
    assert not past.running_at("exp-nowhere", NOW)


def revisions_at(past: DatafileHistory, *times: int) -> list[str | None]:
    return [held and held.revision for held in map(past.at, times)]


def test_what_is_set_under_a_clock_that_was_moved_back_holds_from_then_on():
    revised = [datafile(revision=str(number)) for number in range(4)]
    back = DatafileHistory([(NOW + 100, revised[1]), (NOW, revised[2])])
    assert revisions_at(back, NOW - 1, NOW, NOW + 99, NOW + 100) == ["1", "2", "2", "2"]
    assert back.newest is not None and back.newest.revision == "2"
    between = DatafileHistory([(NOW, revised[1]), (NOW + 100, revised[2]), (NOW + 50, revised[3])])
    assert revisions_at(between, NOW, NOW + 49, NOW + 50, NOW + 100) == ["1", "1", "3", "3"]


def test_of_revisions_set_at_one_time_the_last_holds_from_then_on():
    past = DatafileHistory([(NOW, datafile()), (NOW, datafile(revision="2")), (NOW, datafile(revision="3"))])
    assert revisions_at(past, NOW - 1, NOW, NOW + 1) == ["1", "3", "3"]


def test_a_late_metric_is_known_whichever_datafile_was_revised():
    free = datafile(events=[{"id": "ev-order", "key": "Order Completed", "experimentIds": []}])
    for revised, other in (("a", "b"), ("b", "a")):
        both = DatafileHistory(
            {revised: [(NOW, free), (NOW + 100, datafile(revision="2"))], other: [(NOW + 50, free)]}
        )
        assert [e.key for e in both.experiments_with_metric("ev-order")] == ["checkout"]


def test_without_a_datafile_nothing_is_known():
    empty = DatafileHistory([])
    assert not empty and empty.at(NOW) is None and empty.newest is None and empty.of_key("a", NOW) is None
    assert empty.experiments_with_metric("x") == () and empty.find_event("x", "x", NOW) is None


def test_a_history_refuses_what_is_no_datafile():
    with pytest.raises(DatafileError):
        DatafileHistory([(0, {"version": "4"})])


def test_an_experiment_that_left_keeps_its_last_metrics():
    without = datafile(revision="2", experiments=[], events=[])
    past = history((NOW, datafile()), (NOW + 10, without))
    assert [e.key for e in past.experiments_with_metric("ev-order")] == ["checkout"]
    assert not past.running_at("exp-checkout", NOW + 10)


def test_a_metric_that_was_detached_is_gone():
    detached = datafile(
        revision="2", events=[{"id": "ev-order", "key": "Order Completed", "experimentIds": []}]
    )
    assert history((NOW, datafile()), (NOW + 10, detached)).experiments_with_metric("ev-order") == ()


def test_several_environments_are_judged_as_one():
    events = [{"id": "ev-order", "key": "Order Completed", "experimentIds": ["exp-checkout-dev"]}]
    rule = experiment("checkout") | {"id": "exp-checkout-dev"}
    development = datafile(
        sdkKey="sdk-2", environmentKey="development", experiments=[rule], events=events, groups=[]
    )
    both = DatafileHistory({"sdk-1": [(NOW, datafile())], "sdk-2": [(NOW, development)]})
    assert {e.id for e in both.experiments_with_metric("ev-order")} == {"exp-checkout", "exp-checkout-dev"}
    assert both.running_at("exp-checkout", NOW) and both.running_at("exp-checkout-dev", NOW)
    of_key = both.of_key("sdk-2", NOW)
    assert of_key is not None and of_key.environment == "development"
    merged = both.at(NOW)
    assert merged is not None and merged.account_ids == ("12001",) and merged.attribute_keys == {"plan"}


def test_a_rule_in_two_datafiles_runs_where_it_runs():
    paused = datafile(experiments=[experiment("checkout", "Paused")])
    both = DatafileHistory({"a": [(NOW, paused)], "b": [(NOW, datafile())]})
    assert both.running_at("exp-checkout", NOW)


def test_a_change_without_a_new_revision_is_noticed():
    assert same_but_for_revision(datafile(), datafile(botFiltering=True))
    assert not same_but_for_revision(datafile(), datafile(revision="2", botFiltering=True))
    assert not same_but_for_revision(datafile(), datafile())


@pytest.mark.parametrize(
    ("name", "expected", "how"),
    [
        ("order completed", "Order Completed", "in case"),
        ("OrderCompleted", "Order Completed", "in spacing"),
        ("order_completed", "Order Completed", "in case and spacing"),
        ("Order Completed ", "Order Completed", 'in spacing ("Order Completed " ends with a space)'),
        (" Order Completed", "Order Completed", 'in spacing (" Order Completed" begins with a space)'),
        (
            "Order\u00a0Completed",
            "Order Completed",
            'in spacing ("Order\u00a0Completed" has a no-break space)',
        ),
        ("Order Completed\n", "Order Completed", 'in spacing ("Order Completed\\n" has a line break)'),
        (
            "Order\u200bCompleted",
            "Order Completed",
            'in spacing ("Order\u200bCompleted" has a zero width space)',
        ),
        (
            " Order Completed ",
            "Order Completed",
            'in spacing (" Order Completed " begins and ends with a space)',
        ),
        (
            "\u039frder Completed",
            "Order Completed",
            'in spelling ("\u039f" in "\u039frder Completed" is a Greek letter)',
        ),
        ("Order Complted", "Order Completed", "in spelling"),
        ("Ordre Completed", "Order Completed", "in spelling"),
        ("Completed Order", "Order Completed", "in word order"),
        ("Complete Order", "Order Completed", "in word order and spelling"),
        ("productViewed", "Product Viewed", "in case and spacing"),
    ],
)
def test_a_close_name_is_found_and_its_difference_told(name, expected, how):
    (near,) = nearest(name, KEYS)[:1]
    assert (near.name, near.difference) == (expected, how)


@pytest.mark.parametrize("name", ["Wishlist Shared", "Cart Emptied", "", "  ", "x"])
def test_what_is_not_close_is_not_offered(name):
    assert nearest(name, KEYS) == []


def test_the_unicode_form_is_told_apart():
    (near,) = nearest("Cafe\u0301 Visited", ["Caf\u00e9 Visited"])
    assert near.difference == "in its Unicode form"


def test_the_best_comes_first_and_the_exact_name_never():
    found = nearest("signed up", ["Signed Upp", "SIGNED UP", "signed up", "signed-up"], limit=2)
    assert [near.name for near in found] == ["signed-up", "SIGNED UP"]


@given(st.text(), st.text())
def test_folding_hides_case_and_spacing_and_nothing_fails(one, other):
    assert fold(f" {one}_") == fold(one)
    assert isinstance(difference(one, other), str)
    assert all(near.name != one for near in nearest(one, [one, other]))
