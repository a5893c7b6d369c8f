"""One visitor of a batch: which decision each activation is, and what else tells about the visitor."""

import pytest
from field_builders import NOW, activation, batch, codes, purchase, read


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


@pytest.mark.parametrize(
    ("enriched", "why"), [(True, "ignored, because enrich_decisions is true:"), (False, None)]
)
def test_a_decision_beside_a_conversion_counts_only_without_enrich_decisions(enriched, why):
    visitor = activation()
    visitor["snapshots"][0]["events"] = purchase()["snapshots"][0]["events"]
    parsed = read(batch(visitor, enrich_decisions=enriched))
    (row,) = parsed.conversions
    assert len(parsed.decisions) == (0 if enriched else 1)
    assert codes(row["warnings"]) == (["decision_ignored"] if enriched else [])
    if why is not None:
        message = row["warnings"][0]["message"]
        assert why in message and '"exp-checkout"' in message and '"checkout-a"' in message


OLD_ACTIVATIONS = [{"key": "client_activation"}, {"key": "view_activated"}, {"type": "client_activation"}]


@pytest.mark.parametrize("mark", OLD_ACTIVATIONS)
def test_an_old_sdks_activation_is_a_decision_when_it_names_its_campaign(mark):
    visitor = activation()
    event = visitor["snapshots"][0]["events"][0]
    del event["key"]
    parsed = read(batch({**visitor, "snapshots": [{**visitor["snapshots"][0], "events": [event | mark]}]}))
    (row,) = parsed.decisions
    assert parsed.conversions == () and row["experiment_id"] == "exp-checkout" and row["problems"] == []


@pytest.mark.parametrize("mark", OLD_ACTIVATIONS)
def test_any_other_activation_of_an_old_sdk_is_left_out_with_a_reason(mark):
    event = {"entity_id": "4711", "uuid": "a", "timestamp": NOW} | mark
    parsed = read(batch({"visitor_id": "u", "snapshots": [{"decisions": [], "events": [event]}]}))
    assert parsed.rows == () and codes(parsed.warnings) == ["not_a_conversion"]


def test_a_page_of_the_web_snippet_is_a_metric_with_a_key_of_its_own():
    (row,) = read(batch(purchase(type="view_activated"))).conversions
    assert row["key"] == "Order Completed" and row["problems"] == row["warnings"] == []


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


def test_the_start_of_the_web_snippet_is_no_conversion():
    parsed = read(batch(purchase(type="client_activation")))
    assert parsed.rows == () and codes(parsed.warnings) == ["not_a_conversion"]


@pytest.mark.parametrize(
    ("head", "visitor", "event", "path"),
    [
        ({"client_version": 5}, {}, {}, "client_version"),
        ({"anonymize_ip": "yes"}, {}, {}, "anonymize_ip"),
        ({}, {"attributes": {}}, {}, "visitors[0].attributes"),
        ({}, {"session_id": 5}, {}, "visitors[0].session_id"),
        ({}, {}, {"key": 5}, "visitors[0].snapshots[0].events[0].key"),
        ({}, {}, {"tags": []}, "visitors[0].snapshots[0].events[0].tags"),
        ({}, {}, {"tags": {"coupon": None}}, "visitors[0].snapshots[0].events[0].tags.coupon"),
    ],
)
def test_every_breach_of_the_schema_goes_with_the_rows_it_concerns(head, visitor, event, path):
    parsed = read(batch(purchase(**event) | visitor, **head))
    (row,) = parsed.conversions
    assert [note["path"] for note in row["warnings"] if "path" in note] == [path]
    assert parsed.violations and row["problems"] == []


def test_nested_tags_are_told_together():
    (row,) = read(batch(purchase(tags={"products": [], "address": {}, "plain": 1}))).conversions
    (told,) = row["warnings"]
    assert told["code"] == "nested_tag" and told["message"].startswith(
        "tags.products and tags.address are arrays or"
    )


@pytest.mark.parametrize(
    ("properties", "violations"),
    [
        ({"size": "l", "count": 2, "gift": True}, []),
        ({"sizes": ["l"]}, ["nested_tag"]),
        ({"size": None}, ["tag_type"]),
    ],
)
def test_event_properties_are_an_object_of_plain_values(properties, violations):
    parsed = read(batch(purchase(tags={"$opt_event_properties": properties})))
    assert codes(parsed.violations) == violations
    assert parsed.conversions[0]["tags"] == {"$opt_event_properties": properties}
