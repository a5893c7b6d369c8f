"""Reading event batches: every violation is found, and whatever can be read is kept."""

import json
from typing import Any

import pytest
from field_builders import NOW, activation, batch, codes, purchase, read
from hypothesis import given
from hypothesis import strategies as st

from optilocal.emulator.batch.parse import strict


def test_rows_stand_in_the_order_they_occur():
    parsed = read(batch(purchase("u-1"), activation("u-1"), purchase("u-2")))
    assert [row["kind"] for row in parsed.rows] == ["conversion", "decision", "conversion"]
    assert [row["visitor_id"] for row in parsed.conversions] == ["u-1", "u-2"]


def test_an_sdk_batch_has_a_decision_and_a_conversion_and_no_violation():
    attributes = [{"entity_id": "attr-1", "key": "plan", "type": "custom", "value": "gold"}]
    parsed = read(
        batch(activation(attributes=attributes), purchase(revenue=4999, value=49.99, tags={"sku": "a"}))
    )
    assert parsed.violations == () and parsed.warnings == () and strict(parsed) == []
    (decision,), (conversion,) = parsed.decisions, parsed.conversions
    assert (decision["visitor_id"], decision["experiment_id"], decision["variation_id"]) == (
        "u-1",
        "exp-checkout",
        "checkout-a",
    )
    assert decision["kind"] == "decision" and decision["campaign_id"] == "layer-checkout"
    assert decision["attributes"] == [
        {"entity_id": "attr-1", "key": "plan", "type": "custom", "value": "gold"}
    ]
    assert (conversion["entity_id"], conversion["key"], conversion["uuid"]) == (
        "ev-order",
        "Order Completed",
        "c-1",
    )
    assert (conversion["revenue"], conversion["value"], conversion["tags"]) == (4999, 49.99, {"sku": "a"})
    assert conversion["account_id"] == "12001" and conversion["received_at"] == NOW
    assert decision["problems"] == conversion["problems"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"  \n", "not_json"),
        (b"{", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
    ],
)
def test_a_body_that_is_no_json_object_is_the_only_thing_not_read(body, code):
    parsed = read(body)
    assert parsed.batch is None and not parsed.is_object and parsed.rows == ()
    assert codes(parsed.violations) == [code] and len(strict(parsed)) == 1


def test_every_violation_is_found_with_its_path():
    bad = {
        "account_id": 12001,
        "anonymize_ip": "yes",
        "visitors": [
            "nobody",
            {"visitor_id": "", "attributes": {}, "snapshots": [{"events": {}}]},
            {
                "visitor_id": "u",
                "attributes": [
                    {"type": "custom", "value": None},
                    {"type": "browser", "entity_id": "1", "value": "x"},
                ],
                "snapshots": [
                    {"decisions": "none", "events": [{"revenue": "20", "timestamp": "1", "tags": {"a": []}}]}
                ],
            },
        ],
    }
    parsed = read(bad)
    paths = {note["path"] for note in parsed.violations}
    event = "visitors[2].snapshots[0].events[0]"
    assert paths == {
        "account_id",
        "anonymize_ip",
        "visitors[0]",
        "visitors[1].visitor_id",
        "visitors[1].attributes",
        "visitors[1].snapshots[0].events",
        "visitors[2].attributes[0].entity_id",
        "visitors[2].attributes[0].key",
        "visitors[2].attributes[0].value",
        "visitors[2].attributes[1].entity_id",
        "visitors[2].snapshots[0].decisions",
        event,
        f"{event}.uuid",
        f"{event}.timestamp",
        f"{event}.revenue",
        f"{event}.tags.a",
    }
    assert strict(parsed) == list(parsed.violations)
    (row,) = parsed.conversions
    assert {note["path"] for note in row["problems"]} == {event, f"{event}.uuid", f"{event}.timestamp"}
    assert "account_id" in {note.get("path") for note in row["warnings"]}


def test_a_body_that_is_not_utf_8_is_read_as_latin_1_with_a_warning():
    body = json.dumps(batch(purchase(visitor="Zoë")), ensure_ascii=False).encode("latin-1")
    parsed = read(body)
    assert parsed.conversions[0]["visitor_id"] == "Zoë"
    assert codes(parsed.warnings) == ["latin_1"] and parsed.violations == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "account_id",
    "visitors",
    "visitor_id",
    "snapshots",
    "decisions",
    "events",
    "attributes",
    "tags",
    "value",
)
FIELDS += (
    "revenue",
    "timestamp",
    "uuid",
    "key",
    "entity_id",
    "campaign_id",
    "variation_id",
    "metadata",
    "type",
    "u",
)
shaped = st.recursive(
    json_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(FIELDS), shaped))
def test_no_object_makes_parsing_fail_and_rows_are_always_storable(body):
    parsed = read(body)
    assert parsed.is_object
    for row in parsed.rows:
        json.dumps(row).encode()
        assert row["visitor_id"] is None or isinstance(row["visitor_id"], str)
        for number in (row["timestamp"], row["revenue"], row["quantity"]):
            assert number is None or -(2**63) <= number < 2**63


@given(st.binary())
def test_no_bytes_make_parsing_fail(body):
    parsed = read(body)
    assert parsed.is_object or parsed.violations


@pytest.mark.parametrize("account", [12001.5, True, ["12001"], None, ""])
def test_an_account_that_is_neither_text_nor_a_whole_number_is_a_problem(account: Any) -> None:
    (row,) = read(batch(purchase(), account_id=account)).conversions
    assert [note["path"] for note in row["problems"]] == ["account_id"]


def test_whole_numbers_as_ids_are_violations_that_count() -> None:
    visitor = activation()
    [decision], [event] = visitor["snapshots"][0]["decisions"], visitor["snapshots"][0]["events"]
    decision |= {"campaign_id": 7, "experiment_id": 8, "variation_id": 9}
    event["entity_id"] = "7"
    parsed = read(batch(visitor, purchase(entity_id=5), account_id=12001))
    (decided,), (bought,) = parsed.decisions, parsed.conversions
    assert (decided["campaign_id"], decided["experiment_id"], decided["variation_id"]) == ("7", "8", "9")
    assert (bought["account_id"], bought["entity_id"]) == ("12001", "5")
    assert decided["problems"] == bought["problems"] == []
    paths = {note["path"].rpartition(".")[2] for note in parsed.violations}
    assert paths == {"account_id", "campaign_id", "experiment_id", "variation_id", "entity_id"}
    assert strict(parsed) == list(parsed.violations)
