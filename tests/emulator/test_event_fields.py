"""Single fields of a conversion: what is read, what is left out, what is warned of."""

import json

import pytest
from field_builders import NOW, activation, batch, codes, purchase, read

DAY = 86_400_000


@pytest.mark.parametrize("revenue", [19.99, "20", None, True, [5], 2**63])
def test_revenue_that_is_no_integer_is_left_out_and_warned_of_but_the_event_counts(revenue):
    parsed = read(batch(purchase(revenue=revenue)))
    (row,) = parsed.conversions
    assert row["revenue"] is None and row["problems"] == []
    assert codes(row["warnings"]) == codes(parsed.violations) == ["revenue_not_integer"]


@pytest.mark.parametrize(("revenue", "read_as"), [(20.0, 20), (0, 0), (-500, -500), (2**62, 2**62)])
def test_whole_revenue_is_an_integer(revenue, read_as):
    (row,) = read(batch(purchase(revenue=revenue))).conversions
    assert row["revenue"] == read_as and isinstance(row["revenue"], int)


@pytest.mark.parametrize(
    ("value", "code"), [("1.5", "wrong_type"), (None, "wrong_type"), (10**400, "out_of_range")]
)
def test_a_value_that_is_no_number_is_left_out(value, code):
    parsed = read(batch(purchase(value=value)))
    assert parsed.conversions[0]["value"] is None and codes(parsed.violations) == [code]


def test_a_timestamp_ahead_by_more_than_a_day_is_kept_and_warned_of():
    parsed = read(batch(purchase(timestamp=NOW + DAY + 1)))
    assert parsed.conversions[0]["timestamp"] == NOW + DAY + 1 and parsed.conversions[0]["problems"] == []
    assert codes(parsed.warnings) == ["timestamp_in_future"] and parsed.violations == ()


def test_a_day_ahead_is_not_yet_odd():
    assert read(batch(purchase(timestamp=NOW + DAY))).warnings == ()


@pytest.mark.parametrize("timestamp", ["1768471200000", None, True, 2**64])
def test_a_timestamp_that_is_no_number_of_milliseconds_is_a_problem(timestamp):
    (row,) = read(batch(purchase(timestamp=timestamp))).conversions
    assert row["timestamp"] is None and len(row["problems"]) == 1


@pytest.mark.parametrize("number", ["1e400", "-1e+999", "9" * 400 + ".5"])
def test_a_number_beyond_a_double_is_bounded_so_that_rows_stay_json(number):
    body = json.dumps(batch(purchase(tags={"big": "NUMBER"}))).replace('"NUMBER"', number).encode()
    parsed = read(body)
    assert abs(parsed.conversions[0]["tags"]["big"]) == 1.7976931348623157e308
    assert codes(parsed.warnings) == ["number_too_large"]


def test_optional_fields_of_the_wrong_type_are_read_as_absent():
    visitor = activation()
    snapshot = visitor["snapshots"][0]
    snapshot["decisions"][0]["metadata"] = "none"
    snapshot["events"] += [
        {"uuid": "c", "timestamp": NOW + 0.5, "entity_id": 7.5, "key": "Signed Up", "tags": "a"}
    ]
    visitor["attributes"] = [{"entity_id": "1", "key": "plan", "type": "custom"}]
    parsed = read(batch(visitor, project_id=5, client_name=["x"]))
    event = "visitors[0].snapshots[0].events[1]"
    assert {note["path"] for note in parsed.violations} == {
        "project_id",
        "client_name",
        "visitors[0].attributes[0].value",
        "visitors[0].snapshots[0].decisions[0].metadata",
        f"{event}.timestamp",
        f"{event}.entity_id",
        f"{event}.tags",
    }
    (row,) = parsed.conversions
    assert (row["timestamp"], row["entity_id"], row["tags"]) == (NOW, None, {})
    assert codes(row["problems"]) == ["timestamp_not_integer"]
    told = {note["path"] for note in [*row["problems"], *row["warnings"]]}
    assert told == {note["path"] for note in parsed.violations} - {
        "visitors[0].snapshots[0].decisions[0].metadata"
    }
    assert row["client_name"] is None and parsed.decisions[0]["rule_type"] is None


def test_what_names_no_event_is_a_problem():
    visitor = {"visitor_id": "u", "snapshots": [{"events": [{"uuid": "c", "timestamp": NOW}]}]}
    assert codes(read(batch(visitor)).conversions[0]["problems"]) == ["no_event"]


def test_a_conversion_without_key_goes_by_its_entity_id():
    visitor = purchase()
    del visitor["snapshots"][0]["events"][0]["key"]
    (row,) = read(batch(visitor)).conversions
    assert row["key"] == "ev-order" and row["problems"] == []


def test_half_a_surrogate_pair_is_replaced_so_that_rows_are_always_text():
    parsed = read(json.dumps(batch(purchase(visitor="a\ud83d"))).encode())
    assert parsed.conversions[0]["visitor_id"] == "a\ufffd"
    assert codes(parsed.warnings) == ["lone_surrogate"]
    assert read(batch(purchase(visitor="a\U0001f600"))).conversions[0]["visitor_id"] == "a\U0001f600"


def test_a_marked_string_carries_typed_json():
    attributes = [{"entity_id": "1", "key": "plan", "type": "custom", "value": '\ue000{"a": 1}'}]
    visitor = purchase(tags={"items": "\ue000[1, 2]", "broken": "\ue000{"})
    visitor["attributes"] = attributes
    parsed = read(batch(visitor))
    (row,) = parsed.conversions
    assert row["tags"]["items"] == [1, 2] and row["tags"]["broken"] == "\ue000{"
    assert row["attributes"][0]["value"] == {"a": 1}
    assert codes(parsed.violations) == ["typed_value"]


def test_properties_stand_in_for_tags():
    assert read(batch(purchase(properties={"sku": "a"}))).conversions[0]["tags"] == {"sku": "a"}


def test_nested_tags_are_kept_and_break_only_the_schema():
    parsed = read(batch(purchase(tags={"products": [{"sku": "a"}], "coupon": None})))
    (row,) = parsed.conversions
    assert row["tags"] == {"products": [{"sku": "a"}], "coupon": None} and row["problems"] == []
    assert codes(parsed.violations) == ["nested_tag", "tag_type"]
    assert codes(row["warnings"]) == ["tag_type", "nested_tag"]


@pytest.mark.parametrize(
    ("kind", "warned"), [("other", []), ("Order Completed", []), ("strange", ["unknown_type"])]
)
def test_only_a_type_nobody_knows_is_warned_of(kind, warned):
    parsed = read(batch(purchase(type=kind)))
    assert codes(parsed.warnings) == warned and len(parsed.conversions) == 1
