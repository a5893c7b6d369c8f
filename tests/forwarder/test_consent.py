"""Consent by the table of Segment's page, the settings that a browser is told, and what is refused."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from segment_side import SegmentSide

from optilocal.forwarder.stages.course import run
from optilocal.forwarder.stages.platform import read_platform

NAME = "Optimizely Feature Experimentation (Actions)"
ABSENT: Any = object()


def outcome(categories: list[str], consent: Any, integrations: Any = ABSENT) -> str | None:
    event: dict[str, Any] = {"type": "track", "event": "Order Completed", "context": {}}
    if consent is not ABSENT:
        event["context"]["consent"] = consent
    if integrations is not ABSENT:
        event["integrations"] = integrations
    ended = run(read_platform({"consent": {"categories": categories}}), event, Random(1)).ended
    return ended.outcome if ended else None


AD, BOTH = ["ad"], ["ad", "analytics"]
REFUSED, KEPT_AWAY = "consent_refused", "not_subscribed"


@pytest.mark.parametrize(
    ("categories", "consent", "integrations", "expected"),
    [
        # Row by row of "Reconcile consent object and integrations object conflicts".
        (AD, ABSENT, ABSENT, None),
        (AD, ABSENT, {}, None),
        (AD, {}, ABSENT, None),
        (AD, {}, {}, None),
        (AD, {"categoryPreferences": {}}, ABSENT, REFUSED),
        (AD, {"categoryPreferences": {}}, {}, REFUSED),
        ([], {"categoryPreferences": {}}, ABSENT, None),
        (AD, ABSENT, {NAME: True, "amplitude": False}, None),
        (AD, ABSENT, {NAME: False}, KEPT_AWAY),
        (AD, {}, {NAME: True, "amplitude": False}, None),
        (AD, {}, {"amplitude": False}, REFUSED),
        (AD, {}, {NAME: False}, REFUSED),
        (AD, {"categoryPreferences": {}}, {NAME: True}, None),
        (AD, {"categoryPreferences": {}}, {"amplitude": False}, REFUSED),
        ([], {"categoryPreferences": {}}, {"amplitude": False}, None),
        ([], {"categoryPreferences": {"ad": True, "analytics": False}}, ABSENT, None),
        (AD, {"categoryPreferences": {"ad": True, "analytics": False}}, ABSENT, None),
        (["analytics"], {"categoryPreferences": {"ad": True, "analytics": False}}, ABSENT, REFUSED),
        (AD, {"categoryPreferences": {"ad": True, "analytics": False}}, {"facebook": True}, None),
        (["analytics"], {"categoryPreferences": {"ad": True, "analytics": False}}, {NAME: True}, REFUSED),
        (AD, {"categoryPreferences": {"ad": True, "analytics": False}}, {NAME: False}, KEPT_AWAY),
        (BOTH, {"categoryPreferences": {"ad": True, "analytics": False}}, {NAME: True}, REFUSED),
        (BOTH, {"categoryPreferences": {"ad": True, "analytics": True}}, {NAME: True}, None),
        (BOTH, {"categoryPreferences": {"ad": False, "analytics": True}}, {NAME: True}, REFUSED),
        # A category that is not known on one of the two sides.
        (["functional"], {"categoryPreferences": {"ad": True}}, ABSENT, REFUSED),
        (AD, {"categoryPreferences": {"ad": True, "unknown": False}}, ABSENT, None),
        # Ids count to the letter, and nothing but true is consent.
        (AD, {"categoryPreferences": {"Ad": True}}, ABSENT, REFUSED),
        (AD, {"categoryPreferences": {"ad": "true"}}, ABSENT, REFUSED),
        (AD, {"categoryPreferences": {"ad": 1}}, ABSENT, REFUSED),
        (AD, {"categoryPreferences": ["ad"]}, ABSENT, REFUSED),
        (AD, {"categoryPreferences": {"ad": False}}, {"All": False}, REFUSED),
        (AD, {"categoryPreferences": {"ad": True}}, {"All": False}, KEPT_AWAY),
    ],
)  # fmt: skip
def test_the_table(categories: list[str], consent: Any, integrations: Any, expected: str | None) -> None:
    assert outcome(categories, consent, integrations) == expected


def test_a_browser_is_told_the_categories_and_loads_nothing_for_the_destination(segment: SegmentSide) -> None:
    settings = segment.get("/v1/projects/any/settings").json()
    assert "consentSettings" not in settings
    assert segment.put(
        "/_forwarder/consent", {"categories": ["ad"], "otherCategories": ["functional", "ad"]}
    ).ok
    told = segment.get("/v1/projects/any/settings").json()
    assert told.pop("consentSettings") == {
        "allCategories": ["ad", "functional"],
        "hasUnmappedDestinations": False,
    }
    assert told == settings
    segment.put("/_forwarder/consent", {"otherCategories": ["functional"]})
    unmapped = segment.get("/v1/projects/any/settings").json()["consentSettings"]
    assert unmapped == {"allCategories": ["functional"], "hasUnmappedDestinations": True}


@pytest.mark.parametrize(
    ("consent", "problem"),
    [
        ({"categories": ["1ad"]}, "consent.categories[0]: a category id has fewer than 35 characters"),
        ({"categories": ["x" * 35]}, "consent.categories[0]: a category id has fewer than 35 characters"),
        ({"categories": "ad"}, 'consent.categories: "categories" must be an array'),
        ({"category": []}, 'consent.category: "category" is not allowed'),
        ([], 'consent: "consent" must be of type object'),
    ],
)
def test_what_can_be_no_category_is_refused(segment: SegmentSide, consent: Any, problem: str) -> None:
    answer = segment.put("/_forwarder/consent", consent)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(problem)


@pytest.mark.parametrize(
    ("context", "codes"),
    [
        ({"consent": {"categoryPreferences": {"ad": True}}}, []),
        ({}, ["consent_categorypreferences_should_exist"]),
        ({"consent": {"categoryPreferences": []}}, ["consent_categorypreferences_fields_should_be_object"]),
        ({"consent": {"categoryPreferences": {"ad": "yes"}}}, ["consent_categorypreferences_fields_should_be_bool"]),
        ({"consent": {"categoryPreferences": {}, "version": "2"}}, ["consent_version_should_be_number"]),
        ({"consent": {"categoryPreferences": {}}, "device": {"advertisingId": 7}}, ["device_advertisingid_should_be_string"]),
    ],
)  # fmt: skip
def test_what_segment_asks_of_its_consent_event_is_noted(
    segment: SegmentSide, context: dict[str, Any], codes: list[str]
) -> None:
    for event in ("Segment Consent Preference Updated", "Order Completed"):
        segment.post("/v1/track", {"event": event, "userId": "u-1", "context": context})
    special, other = segment.deliveries(2)
    assert [
        note["code"] for note in special["warnings"] if "consent" in note["code"] or "device" in note["code"]
    ] == codes
    assert not any("categorypreferences" in note["code"] for note in other["warnings"])
