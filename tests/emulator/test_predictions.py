"""The prediction service of contextual bandits: asked as SDKs ask it, steered by a test's table, checked by its uuid."""

import copy
import json
from typing import Any

import pytest
from bandit_builders import BANDIT, CITY, DEVICE, HILLS, RULE, SEA, ask, instance, set_table
from hypothesis import given
from hypothesis import strategies as st
from space import Space

from optilocal.emulator.datafile.bandit import parse_table, predict
from optilocal.emulator.datafile.datafile import Datafile


@pytest.fixture
def bandit(space: Space) -> Space:
    assert space.put_datafile(BANDIT, BANDIT["sdkKey"]).status_code == 201
    return space


def codes(notes: list[dict[str, Any]]) -> list[str]:
    return [note["code"] for note in notes]


def test_a_visitor_gets_one_variation_that_never_changes(bandit: Space, other: Space) -> None:
    other.put_datafile(BANDIT, BANDIT["sdkKey"])
    drawn = {}
    for visitor in (f"v-{n}" for n in range(60)):
        answers = [
            ask(where, instance(visitor, f"{visitor}-{n}")) for n, where in enumerate((bandit, bandit, other))
        ]
        assert [answer.status_code for answer in answers] == [200] * 3
        bodies = [answer.json() for answer in answers]
        assert bodies[0] == bodies[1] == bodies[2]
        (prediction,) = bodies[0]["predictions"]
        assert set(prediction) == {"variation_id"}
        drawn[visitor] = prediction["variation_id"]
    assert {SEA, HILLS, CITY} == set(drawn.values())
    assert ask(bandit, instance("v-1")).headers["Content-Type"] == "application/json"


def test_each_instance_has_its_prediction_in_order(bandit: Space) -> None:
    set_table(bandit, [{"when": {"device": "phone"}, "variation": "sea"}, {"variation": "city"}])
    answer = ask(
        bandit,
        instance("a", "1", a20410042001="phone"),
        instance("b", "2"),
        instance("c", "3", a20410042001="phone"),
    )
    assert [each["variation_id"] for each in answer.json()["predictions"]] == [SEA, CITY, SEA]


def test_the_exchange_is_recorded_with_what_is_odd_about_it(bandit: Space) -> None:
    odd = instance(a20410042001="phone", aplan=1, adevice="tablet", anothing=1)
    odd["experimentId"] = "1"
    odd["attributes"][0]["type"] = "other"
    set_table(bandit, [{"when": {"device": "tablet"}, "variation": "hills"}])
    answer = ask(bandit, odd)
    assert answer.json() == {"predictions": [{"variation_id": HILLS}]}, "a key is taken for its id"
    [exchange] = bandit.rows("exchanges", surface="predictions")
    assert (exchange["method"], exchange["path"], exchange["status"]) == ("POST", f"/predict/{RULE}", 200)
    assert exchange["json"] == {"instances": [odd]} and json.loads(exchange["response"]) == answer.json()
    found = [(note["code"], note["path"]) for note in exchange["warnings"]]
    assert found == [
        ("other_experiment", "instances[0].experimentId"),
        ("unknown_type", "instances[0].attributes[0].type"),
        ("unknown_attribute", "instances[0].attributes[1].id"),
        ("attribute_by_key", "instances[0].attributes[2].id"),
        ("unknown_attribute", "instances[0].attributes[3].id"),
    ]
    plan, nothing = exchange["warnings"][2]["message"], exchange["warnings"][4]["message"]
    assert "is not one that the bandit decides by" in plan and "is unknown" in nothing
    assert f'its id "{DEVICE}" is wanted' in exchange["warnings"][3]["message"]
    assert exchange["violations"] == []


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ("", "not_json", None),
        ("{", "not_json", None),
        ("[]", "not_an_object", None),
        ("{}", "missing_field", "instances"),
        ('{"instances": {}}', "wrong_type", "instances"),
        ('{"instances": []}', "empty_field", "instances"),
        ('{"instances": [1]}', "wrong_type", "instances[0]"),
        *(
            (json.dumps({"instances": [{k: v for k, v in instance().items() if k != key}]}), "missing_field", f"instances[0].{key}")
            for key in ("visitorId", "experimentId", "attributes", "cmabUUID")
        ),
        (json.dumps({"instances": [{**instance(), "visitorId": 7}]}), "wrong_type", "instances[0].visitorId"),
        (json.dumps({"instances": [{**instance(), "attributes": [{"value": 1}]}]}), "missing_field", "instances[0].attributes[0].id"),
        (json.dumps({"instances": [{**instance(), "attributes": [{"id": DEVICE}]}]}), "missing_field", "instances[0].attributes[0].value"),
    ],
)  # fmt: skip
def test_what_no_sdk_asks_is_400_and_says_why(bandit: Space, body: str, code: str, path: str | None) -> None:
    answer = ask(bandit, data=body.encode())
    assert answer.status_code == 400
    [exchange] = bandit.rows("exchanges", surface="predictions")
    (violation,) = exchange["violations"]
    assert (violation["code"], violation.get("path")) == (code, path)
    assert answer.json() == {"message": violation["message"]}
    assert exchange["body"] == (body or None), "what came is kept"


def test_a_rule_that_is_no_bandit_is_404_with_what_was_probably_meant(bandit: Space) -> None:
    plain = copy.deepcopy(BANDIT)
    del plain["experiments"][0]["cmab"]
    cases = {
        "hero_bandit": f"its id is {RULE}, and SDKs ask by id",
        "hero_bandits": 'did you mean "hero_bandit"?',
        "1": 'the datafile\'s contextual bandits are "hero_bandit"',
    }
    for rule, told in cases.items():
        answer = ask(bandit, instance(), rule=rule)
        assert answer.status_code == 404 and told in answer.json()["message"]
    bandit.put_datafile({**plain, "revision": "6"}, BANDIT["sdkKey"])
    assert "the datafile gives it no `cmab`" in ask(bandit, instance()).json()["message"]
    assert {row["status"] for row in bandit.rows("exchanges", surface="predictions")} == {404}


def test_without_a_datafile_there_is_no_bandit(space: Space) -> None:
    answer = ask(space, instance())
    assert answer.status_code == 404 and "there is no datafile here" in answer.json()["message"]
    answer = set_table(space, "sea")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_rule")


def test_a_bandit_without_variations_predicts_nothing(space: Space) -> None:
    bare = copy.deepcopy(BANDIT)
    bare["experiments"][0]["variations"] = []
    space.put_datafile(bare, BANDIT["sdkKey"])
    answer = ask(space, instance())
    assert (answer.status_code, answer.json()) == (
        404,
        {"message": 'the rule "hero_bandit" has no variation'},
    )


def test_a_page_of_any_site_may_ask(bandit: Space) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    allowed = bandit.call("OPTIONS", f"/predict/{RULE}", headers=asked)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Headers"] == "content-type"
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    answer = bandit.call(
        "POST",
        f"/predict/{RULE}",
        json={"instances": [instance()]},
        headers={"Origin": "https://shop.example"},
    )
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert len(bandit.rows("exchanges")) == 1, "a preflight is not recorded"


# -- the table


@pytest.mark.parametrize(
    "given",
    [
        "hills",
        HILLS,
        {"variation": "hills"},
        [{"variation": HILLS}],
        {"table": [{"when": {}, "variation": "hills"}]},
    ],
)
def test_one_variation_for_everybody_in_every_spelling(bandit: Space, given: Any) -> None:
    answer = set_table(bandit, given)
    shown = {
        "namespace": bandit.name,
        "rule_id": RULE,
        "rule_key": "hero_bandit",
        "table": [{"when": {}, "variation": "hills"}],
    }
    assert (answer.status_code, answer.json()) == (200, shown)
    assert bandit.json("predictions/hero_bandit") == bandit.json(f"predictions/{RULE}") == shown
    assert bandit.json("predictions") == {"predictions": [shown]}
    for visitor in "abcdef":
        assert ask(bandit, instance(visitor)).json() == {"predictions": [{"variation_id": HILLS}]}


def test_rows_are_looked_at_in_order_and_types_count(bandit: Space) -> None:
    rows = [
        {"when": {DEVICE: 1, "member": True}, "variation": "sea"},
        {"when": {"device": 1}, "variation": "hills"},
        {"when": {"device": True}, "variation": "sea"},
        {"variation": "city"},
    ]
    assert set_table(bandit, {"table": rows}).json()["table"][0]["when"] == {"device": 1, "member": True}

    def drawn(**attributes: Any) -> str:
        return str(ask(bandit, instance(**attributes)).json()["predictions"][0]["variation_id"])

    assert drawn(a20410042001=1, a20410042002=True) == SEA
    assert drawn(a20410042001=1.0, a20410042002=False) == HILLS
    assert drawn(a20410042001=True) == SEA
    assert drawn(a20410042001="1") == drawn() == drawn(a20410042002=True) == CITY


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (True, "predictions are a variation"),
        (7, "predictions are a variation"),
        ("see", 'row 0: "hero_bandit" has no variation \'see\' (did you mean "sea"?); it has "sea", "hills" and "city"'),
        ([{"variation": "sea"}, {}], "row 1: \"hero_bandit\" has no variation None"),
        ([7], "row 0 must be an object"),
        ([{"variation": "sea", "then": 1}], "row 0: unknown field 'then'; known are when, variation"),
        ([{"variation": "sea", "when": []}], "row 0: when must be an object"),
        ([{"variation": "sea", "when": {"devise": 1}}], "is never told the attribute 'devise' (did you mean \"device\"?): it decides by"),
        ([{"variation": "sea", "when": {"plan": "gold"}}], 'it decides by "device" and "member"'),
        ([{"variation": "sea", "when": {"device": ["phone"]}}], "row 0: when.device must be a text, a number, true or false"),
        ([{"variation": "sea"}] * 1001, "a table has at most 1000 rows, not 1001"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(bandit: Space, given: Any, told: str) -> None:
    answer = set_table(bandit, given)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_prediction")
    assert told in answer.json()["error"]["message"]
    assert bandit.json("predictions") == {"predictions": []}


def test_a_table_is_for_a_bandit_alone(bandit: Space) -> None:
    answer = set_table(bandit, "sea", "hero_bandid")
    assert answer.status_code == 404
    assert 'did you mean "hero_bandit"?' in answer.json()["error"]["message"]
    answer = bandit.get("/_emulator/predictions/hero_bandit")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_prediction")


def test_a_table_goes_by_delete_and_by_reset_and_outlives_a_datafile(bandit: Space) -> None:
    before = ask(bandit, instance()).json()
    other = next(
        key
        for key in ("sea", "hills")
        if key != {SEA: "sea", HILLS: "hills"}.get(before["predictions"][0]["variation_id"])
    )
    for path in ("/_emulator/predictions/hero_bandit", "/_emulator/predictions"):
        set_table(bandit, other)
        assert ask(bandit, instance()).json() != before
        assert bandit.call("DELETE", path).json() == {"predictions": []}
        assert ask(bandit, instance()).json() == before
    set_table(bandit, other)
    changed = copy.deepcopy(BANDIT) | {"revision": "6"}
    changed["experiments"][0]["variations"] = [
        v for v in changed["experiments"][0]["variations"] if v["key"] != other
    ]
    bandit.put_datafile(changed, BANDIT["sdkKey"])
    assert ask(bandit, instance()).status_code == 200, "a row whose variation is gone is passed over"
    bandit.put_datafile({**BANDIT, "revision": "7"}, BANDIT["sdkKey"])
    assert ask(bandit, instance()).json() != before
    assert bandit.call("POST", "/_emulator/reset").status_code == 200
    assert ask(bandit, instance()).json() == before


VALUES = st.one_of(st.booleans(), st.integers(-2, 2), st.sampled_from(["", "1", "true", "phone"]))


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"variation": st.sampled_from(["sea", "hills", "city"])},
            optional={"when": st.dictionaries(st.sampled_from(["device", "member"]), VALUES)},
        ),
        max_size=4,
    ),
    attributes=st.dictionaries(st.sampled_from(["device", "member"]), VALUES),
    visitor=st.text(max_size=5),
)
def test_the_first_row_that_holds_decides(
    rows: list[dict[str, Any]], attributes: dict[str, Any], visitor: str
) -> None:
    datafile = Datafile.from_json(BANDIT)
    rule = datafile.experiment_by_key("hero_bandit")
    assert rule is not None
    table = parse_table({"table": rows}, rule, datafile)
    holding = [
        row["variation"]
        for row in rows
        if all(
            json.dumps(attributes.get(key)) == json.dumps(value) for key, value in row.get("when", {}).items()
        )
    ]
    free = predict([], rule, visitor, {})
    assert predict(table, rule, visitor, attributes).key == (holding[0] if holding else free.key)
