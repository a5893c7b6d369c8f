"""A deletion as the destination makes it, and which regulations it hears of."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import ClassVar

import pytest
from in_process import InProcess
from optimizely_double import DATAFILE_URL, Answer, OptimizelyDouble

Make = Callable[..., InProcess]


class TestDeletion:
    SETTINGS: ClassVar = {"accountId": "12001", "dataFileUrl": DATAFILE_URL, "accessToken": "pat-1"}

    def test_it_names_the_account_and_not_the_user(
        self, make_forwarder: Make, double: OptimizelyDouble
    ) -> None:
        forwarder = make_forwarder(self.SETTINGS)
        delivery = forwarder.delete("u-1")
        assert delivery is not None
        assert (delivery.outcome, delivery.report["type"], delivery.report["user_id"]) == (
            "deleted",
            "delete",
            "u-1",
        )
        (request,) = double.to("/v2/subject-access-requests")
        assert request.headers["authorization"] == "Bearer pat-1"
        assert request.json == {
            "data_type": "visitor",
            "identifier": "12001",
            "identifier_type": "dcp_id",
            "request_type": "delete",
        }
        assert "pat-1" not in json.dumps(delivery.report)
        assert [row["to"] for row in delivery.report["requests"]] == ["privacy"]
        assert forwarder.open({"type": "track", "userId": "u-1"}).outcome == "suppressed_user"
        assert delivery.report["message_id"].startswith("delete-")

    @pytest.mark.parametrize(
        ("regulation", "reaches", "suppresses"),
        [
            ("SUPPRESS_WITH_DELETE", True, True),
            ("DELETE_ONLY", True, False),
            ("SUPPRESS_ONLY", False, True),
            ("UNSUPPRESS", False, False),
            ("DELETE_INTERNAL", False, False),
            ("SUPPRESS_WITH_DELETE_INTERNAL", False, True),
            ("DELETE_ARCHIVE_ONLY", False, False),
        ],
    )
    def test_which_regulation_does_what(
        self,
        make_forwarder: Make,
        double: OptimizelyDouble,
        regulation: str,
        reaches: bool,
        suppresses: bool,
    ) -> None:
        forwarder = make_forwarder(self.SETTINGS)
        assert (forwarder.delete("u-1", regulation) is not None) == reaches
        assert (len(double.to("/v2/")) == 1) == reaches
        outcome = forwarder.open({"type": "track", "userId": "u-1"}).outcome
        assert (outcome == "suppressed_user") == suppresses

    def test_an_unknown_regulation_is_refused_in_one_line(self, make_forwarder: Make) -> None:
        with pytest.raises(
            ValueError, match=r"^regulation type 'ERASE' is not known; use one of DELETE_ARCHIVE_ONLY, "
        ):
            make_forwarder().delete("u-1", "ERASE")

    def test_without_a_token_nothing_is_sent(self, make_forwarder: Make, double: OptimizelyDouble) -> None:
        delivery = make_forwarder().delete("u-1")
        assert delivery is not None
        assert delivery.outcome == "delivery_failed"
        assert delivery.report["details"] == ["Access Token is required for user deletion."]
        assert delivery.report["error"]["code"] == "INVALID_AUTHENTICATION"
        assert double.to("/v2/") == []

    def test_a_failed_deletion_is_tried_again_and_a_refused_one_is_not(
        self, make_forwarder: Make, double: OptimizelyDouble
    ) -> None:
        double.next("/v2/subject-access-requests", Answer(502), Answer(201, "{}"), Answer(401, "{}"))
        forwarder = make_forwarder(self.SETTINGS)
        first, second = forwarder.delete("u-1"), forwarder.delete("u-2")
        assert first is not None and second is not None
        assert [attempt["outcome"] for attempt in first.report["attempts"]] == ["delivery_failed", "deleted"]
        assert (second.outcome, len(second.report["attempts"])) == ("delivery_failed", 1)
