"""Segment's consent wrapper around analytics.js in a real browser, both as they are published, on the forwarder's settings."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import Browsing, Pages, page_with
from segment_source import SegmentSource

from optilocal.scenarios.running.emulator_client import EmulatorClient

pytestmark = [pytest.mark.node, pytest.mark.browser]

PAGE = """
import { AnalyticsBrowser } from "@segment/analytics-next";
import { createWrapper } from "@segment/analytics-consent-tools";

const analytics = new AnalyticsBrowser();
createWrapper({ getCategories: () => (%(consent)s) })(analytics);
await analytics.load({ writeKey: "any-key", cdnURL: "%(forwarder)s" });
const tracked = analytics.track("Order Completed", { revenue: 4999 });
%(then)s
"""


@pytest.fixture
def consented(segment: SegmentSource, pages: Pages, browsing: Browsing) -> Any:
    """Visits a shop's page whose visitor consented to some categories."""

    def visit(consent: str, then: str = "await tracked;") -> None:
        page = page_with(PAGE % {"consent": consent, "forwarder": segment.url, "then": then})
        browsing.visit(pages.put("/consent", page))

    return visit


def put_consent(optimizely: EmulatorClient, segment: SegmentSource, consent: dict[str, Any]) -> None:
    answer = optimizely.session.put(f"{segment.url}/_forwarder/consent", json=consent, timeout=20)
    assert answer.ok, answer.text


def test_what_the_visitor_refuses_is_stamped_on_the_event_and_refused(
    optimizely: EmulatorClient, segment: SegmentSource, consented: Any
) -> None:
    put_consent(optimizely, segment, {"categories": ["advertising"], "otherCategories": ["functional"]})
    consented("{ advertising: false, functional: true, unknown: true }")
    segment.ended(1)
    (verdict,) = optimizely.verdicts(wait=15, count=1)
    assert verdict["outcome"] == "consent_refused"
    stamped = verdict["delivery"]["source_event"]["context"]["consent"]
    assert stamped == {"categoryPreferences": {"advertising": False, "functional": True, "unknown": True}}


def test_what_the_visitor_consents_to_is_sent(
    optimizely: EmulatorClient, segment: SegmentSource, consented: Any
) -> None:
    put_consent(optimizely, segment, {"categories": ["advertising"]})
    consented("{ advertising: true }")
    segment.ended(1)
    (verdict,) = optimizely.verdicts(wait=15, count=1)
    assert verdict["delivery"]["outcome"] == "sent"


def test_where_nothing_relevant_is_consented_to_segment_is_not_even_loaded(
    optimizely: EmulatorClient, segment: SegmentSource, consented: Any
) -> None:
    put_consent(optimizely, segment, {"categories": ["advertising"]})
    body = (
        'JSON.stringify({ event: "Order Completed", userId: "u-1", messageId: "later", writeKey: "any-key" })'
    )
    later = f'await fetch("{segment.url}/v1/track", {{ method: "POST", body: {body} }});'
    consented("{ advertising: false, unknown: true }", then=later)
    segment.ended(1)
    assert [verdict["message_id"] for verdict in optimizely.verdicts(wait=15, count=1)] == ["later"]
