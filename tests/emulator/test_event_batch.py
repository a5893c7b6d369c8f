"""Reading event batches: every violation is found, and whatever can be read is kept."""

import json

import pytest
from field_builders import NOW, activation, batch, codes, purchase, read
from hypothesis import given
from hypothesis import strategies as st

from emulator.event_batch import strict

DAY = 86_400_000


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


@pytest.mark.parametrize("mark", [{"key": "campaign_activated"}, {"type": "campaign_activated"}, "both"])
def test_a_decision_is_marked_by_key_or_by_type(mark):
    visitor = activation()
    event = visitor["snapshots"][0]["events"][0]
    del event["key"]
    event |= {"key": "campaign_activated", "type": "campaign_activated"} if mark == "both" else mark
    parsed = read(batch(visitor))
    assert len(parsed.decisions) == 1 and parsed.conversions == ()
    assert parsed.decisions[0]["problems"] == []


@pytest.mark.parametrize(
    ("campaign", "experiment", "variation"),
    [("", "", ""), ("", "", None), ("", "exp-kept_out", "$opt_dummy_variation_id"), (None, None, None)],
)
def test_the_empty_and_null_ids_of_rollouts_and_holdouts_are_no_violation(campaign, experiment, variation):
    decided = {"campaign_id": campaign, "experiment_id": experiment, "variation_id": variation}
    decided["metadata"] = {"rule_type": "holdout", "flag_key": "f", "rule_key": "r", "variation_key": "off"}
    event = {"entity_id": campaign, "key": "campaign_activated", "uuid": "d", "timestamp": NOW}
    parsed = read(batch({"visitor_id": "u", "snapshots": [{"decisions": [decided], "events": [event]}]}))
    assert parsed.violations == ()
    (row,) = parsed.decisions
    assert (row["experiment_id"], row["variation_id"], row["rule_type"]) == (experiment, variation, "holdout")
    assert (row["flag_key"], row["rule_key"], row["variation_key"]) == ("f", "r", "off")


def test_several_decisions_of_one_snapshot_go_to_the_activations_that_name_their_campaigns():
    names = ("checkout", "banner")
    decisions = [{"campaign_id": f"l-{n}", "experiment_id": f"e-{n}", "variation_id": "1"} for n in names]
    events = [
        {"entity_id": f"l-{n}", "key": "campaign_activated", "uuid": f"d-{n}", "timestamp": NOW}
        for n in reversed(names)
    ]
    parsed = read(batch({"visitor_id": "u", "snapshots": [{"decisions": decisions, "events": events}]}))
    assert {row["uuid"]: row["experiment_id"] for row in parsed.decisions} == {
        "d-checkout": "e-checkout",
        "d-banner": "e-banner",
    }
    assert parsed.violations == () and parsed.warnings == ()


def test_a_decision_without_its_activation_records_nothing_and_is_warned_of():
    visitor = activation()
    visitor["snapshots"][0]["decisions"].append(
        {"campaign_id": "9", "experiment_id": "9", "variation_id": "9"}
    )
    parsed = read(batch(visitor))
    assert len(parsed.decisions) == 1
    assert codes(parsed.warnings) == ["decision_without_activation"]


def test_an_activation_that_names_another_campaign_is_kept_with_its_problem():
    visitor = activation()
    visitor["snapshots"][0]["events"][0]["entity_id"] = "layer-other"
    parsed = read(batch(visitor))
    assert codes(parsed.violations) == ["entity_id_mismatch"]
    assert codes(parsed.decisions[0]["problems"]) == ["entity_id_mismatch"]
    assert parsed.decisions[0]["experiment_id"] == "exp-checkout"


def test_an_activation_without_entity_id_takes_the_only_decision_with_a_warning():
    visitor = activation()
    del visitor["snapshots"][0]["events"][0]["entity_id"]
    parsed = read(batch(visitor))
    assert codes(parsed.warnings) == ["missing_entity_id"]
    assert parsed.decisions[0]["problems"] == []


def test_an_activation_without_any_decision_is_a_problem():
    visitor = activation()
    visitor["snapshots"][0]["decisions"] = []
    assert codes(read(batch(visitor)).decisions[0]["problems"]) == ["no_decision"]


def test_holdback_is_read():
    visitor = activation()
    visitor["snapshots"][0]["decisions"][0]["is_campaign_holdback"] = True
    assert read(batch(visitor)).decisions[0]["holdback"] is True


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
    assert {note["path"] for note in row["problems"]} == {
        "account_id",
        event,
        f"{event}.uuid",
        f"{event}.timestamp",
    }


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


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        (NOW * 1_000_000, "timestamp_nanoseconds"),
        (NOW + DAY + 1, "timestamp_in_future"),
        (NOW // 1000, "timestamp_before_2010"),
        (-8_350_743_600_000, "timestamp_before_2010"),
    ],
)
def test_an_odd_timestamp_is_kept_as_sent_and_warned_of(timestamp, code):
    parsed = read(batch(purchase(timestamp=timestamp)))
    (row,) = parsed.conversions
    assert row["timestamp"] == timestamp and row["problems"] == []
    assert codes(parsed.warnings) == [code] and parsed.violations == ()


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
        {"uuid": "c", "timestamp": NOW + 0.5, "entity_id": 7, "key": "Signed Up", "tags": "a"}
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
    assert (row["timestamp"], row["entity_id"], row["tags"], row["problems"]) == (NOW, None, {}, [])
    assert row["client_name"] is None and parsed.decisions[0]["rule_type"] is None


def test_what_names_no_event_is_a_problem():
    visitor = {"visitor_id": "u", "snapshots": [{"events": [{"uuid": "c", "timestamp": NOW}]}]}
    assert codes(read(batch(visitor)).conversions[0]["problems"]) == ["no_event"]


def test_a_conversion_without_key_goes_by_its_entity_id():
    visitor = purchase()
    del visitor["snapshots"][0]["events"][0]["key"]
    (row,) = read(batch(visitor)).conversions
    assert row["key"] == "ev-order" and row["problems"] == []


def test_a_body_that_is_not_utf_8_is_read_as_latin_1_with_a_warning():
    body = json.dumps(batch(purchase(visitor="Zoë")), ensure_ascii=False).encode("latin-1")
    parsed = read(body)
    assert parsed.conversions[0]["visitor_id"] == "Zoë"
    assert codes(parsed.warnings) == ["latin_1"] and parsed.violations == ()


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
    assert codes(parsed.violations) == ["tag_type", "tag_type"]


def test_the_compact_form_of_the_web_snippet_is_kept_and_flagged():
    snapshot = {
        "activationTimestamp": NOW,
        "decisions": [{"campaign_id": "9", "experiment_id": "9", "variation_id": "1"}],
        "events": [
            {"e": "9", "y": "campaign_activated", "u": "w-1", "t": NOW},
            {"e": "77", "y": "click", "u": "w-2", "t": NOW},
        ],
    }
    attributes = [{"e": "1", "k": "plan", "t": "custom", "v": "gold"}]
    visitor = {"visitor_id": "w", "session_id": "AUTO", "attributes": attributes, "snapshots": [snapshot]}
    parsed = read(batch(visitor))
    (decision,), (conversion,) = parsed.decisions, parsed.conversions
    assert codes(decision["problems"]) == codes(conversion["problems"]) == ["compact_form"]
    assert (conversion["entity_id"], conversion["uuid"], conversion["timestamp"]) == ("77", "w-2", NOW)
    assert conversion["attributes"][0]["key"] == "plan"
    assert set(codes(parsed.violations)) == {"compact_form"}


@pytest.mark.parametrize(
    ("attribute", "client", "header", "bot"),
    [
        ("Googlebot/2.1", "python-sdk", None, True),
        ("Mozilla/5.0 (X11) HeadlessChrome/120", "python-sdk", None, True),
        ("Mozilla/5.0 (Linux; Cubot X30)", "python-sdk", None, False),
        (None, "javascript-sdk", "Mozilla/5.0 (compatible; bingbot/2.0)", True),
        (None, "python-sdk", "Mozilla/5.0 (compatible; bingbot/2.0)", False),
        ("Mozilla/5.0 Firefox", "javascript-sdk", "Googlebot", False),
    ],
)
def test_a_bot_is_told_by_its_attribute_and_by_the_header_only_of_browsers(attribute, client, header, bot):
    visitor = purchase()
    if attribute:
        reserved = "$opt_user_agent"
        visitor["attributes"] = [
            {"entity_id": reserved, "key": reserved, "type": "custom", "value": attribute}
        ]
    parsed = read(batch(visitor, client_name=client), headers={"USER-AGENT": header} if header else {})
    assert parsed.conversions[0]["user_agent_bot"] is bot
    assert parsed.violations == ()


def test_without_enrich_decisions_the_decisions_travel_with_the_conversion():
    visitor = purchase()
    alone = read(batch(visitor, enrich_decisions=False))
    assert codes(alone.warnings) == ["not_enriched"] == codes(alone.conversions[0]["warnings"])
    decided = {"campaign_id": "layer-checkout", "experiment_id": "exp-checkout", "variation_id": "checkout-a"}
    visitor["snapshots"][0]["decisions"] = [decided]
    accompanied = read(batch(visitor, enrich_decisions=False))
    (row,) = accompanied.decisions
    assert (row["variation_id"], row["timestamp"], row["uuid"]) == ("checkout-a", NOW + 1000, None)
    assert accompanied.warnings == () and len(accompanied.conversions) == 1


@pytest.mark.parametrize(
    ("kind", "warned"), [("other", []), ("Order Completed", []), ("strange", ["unknown_type"])]
)
def test_only_a_type_nobody_knows_is_warned_of(kind, warned):
    parsed = read(batch(purchase(type=kind)))
    assert codes(parsed.warnings) == warned and len(parsed.conversions) == 1


def test_the_start_of_the_web_snippet_is_no_conversion():
    parsed = read(batch(purchase(type="client_activation")))
    assert parsed.rows == () and codes(parsed.warnings) == ["not_a_conversion"]


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
