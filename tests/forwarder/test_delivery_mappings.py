"""Several mappings of one destination: which speaks, which sends, which are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from in_process import InProcess
from optimizely_double import Answer, OptimizelyDouble

from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION, Subscription
from optilocal.forwarder.pipeline.mappings import ConfigurationError

Make = Callable[..., InProcess]
Event = dict[str, Any]
EVENTS = "/v1/events"
FIELDS = DEFAULT_SUBSCRIPTION.fields


class TestSeveralMappings:
    PAGES = Subscription("Pages", 'type = "page"', FIELDS)
    OFF = Subscription("Off", 'type = "track"', FIELDS, enabled=False)
    UNKNOWN = Subscription("Unknown", 'type = "track"', {**FIELDS, "eventKey": "nowhere"})

    def test_the_one_that_got_furthest_speaks_and_all_are_listed(
        self, make_forwarder: Make, order_completed: Event
    ) -> None:
        mappings = (self.PAGES, self.OFF, self.UNKNOWN, DEFAULT_SUBSCRIPTION)
        report = make_forwarder(mappings=mappings).deliver(order_completed).report
        assert (report["outcome"], report["mapping"]) == ("sent", "Track Event")
        assert [
            (row["name"], row["enabled"], row["matched"], row["outcome"]) for row in report["mappings"]
        ] == [
            ("Pages", True, False, "not_subscribed"),
            ("Off", False, False, "disabled"),
            ("Unknown", True, True, "unmatched_event_key"),
            ("Track Event", True, True, "sent"),
        ]
        assert [row["to"] for row in report["requests"]] == ["datafile", "datafile", "events"]
        assert report["mappings"][2]["payload"]["eventKey"] == "nowhere"

    def test_each_match_makes_its_own_requests(self, make_forwarder: Make, order_completed: Event) -> None:
        forwarder = make_forwarder(
            mappings=(DEFAULT_SUBSCRIPTION, Subscription("Again", 'type = "track"', FIELDS))
        )
        report = forwarder.deliver(order_completed).report
        assert report["outcome"] == "sent"
        assert [row["to"] for row in report["requests"]] == ["datafile", "events"] * 2

    def test_only_the_mapping_that_failed_is_tried_again(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.next(EVENTS, Answer(503))
        forwarder = make_forwarder(
            mappings=(DEFAULT_SUBSCRIPTION, Subscription("Again", 'type = "track"', FIELDS))
        )
        report = forwarder.deliver(order_completed).report
        assert [row["outcome"] for row in report["mappings"]] == ["sent", "sent"]
        assert len(double.to(EVENTS)) == 3

    @pytest.mark.parametrize(
        ("mappings", "says"),
        [
            ((PAGES,), "no trigger matches: 'Pages' (type = \"page\")"),
            ((OFF,), "no mapping is enabled"),
            ((), "no mapping is enabled"),
        ],
    )
    def test_none_matching_is_said(
        self, make_forwarder: Make, order_completed: Event, mappings: tuple[Subscription, ...], says: str
    ) -> None:
        report = make_forwarder(mappings=mappings).deliver(order_completed).report
        assert (report["outcome"], report["requests"]) == ("not_subscribed", [])
        assert report["details"][0] == says

    def test_the_fifty_first_is_refused(self, make_forwarder: Make) -> None:
        make_forwarder(mappings=(DEFAULT_SUBSCRIPTION,) * 50)
        with pytest.raises(ConfigurationError, match=r"51 mappings.*at most 50"):
            make_forwarder(mappings=(DEFAULT_SUBSCRIPTION,) * 51)

    @pytest.mark.parametrize(
        ("mapping", "says"),
        [
            (
                Subscription("A", 'type = "track"', {"eventKey": {"@nope": 1}}),
                "mapping 'A': /eventKey has an invalid directive: @nope.",
            ),
            (Subscription("B", 'anonymousId = "x"', FIELDS), "mapping 'B': Invalid subscription : "),
            (Subscription("C", "", FIELDS), "mapping 'C': Failed to validate subscription"),
        ],
    )
    def test_a_mapping_that_cannot_work_is_refused_when_configured(
        self, make_forwarder: Make, mapping: Subscription, says: str
    ) -> None:
        with pytest.raises(ConfigurationError) as caught:
            make_forwarder(mappings=(mapping,))
        assert str(caught.value).startswith(says)

    def test_a_mapping_that_fails_on_this_event_makes_the_payload_invalid(
        self, make_forwarder: Make, order_completed: Event
    ) -> None:
        fields = {**FIELDS, "eventTags": {"@path": {"@path": "$.nowhere"}}}
        report = (
            make_forwarder(mappings=(Subscription("Inner", 'type = "track"', fields),))
            .deliver(order_completed)
            .report
        )
        assert (report["outcome"], len(report["attempts"])) == ("invalid_payload", 1)
        assert "@path: expected string, got undefined" in report["details"][0]
