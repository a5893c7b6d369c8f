"""What is tried again, when, how often, and what a retry is not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import InProcess
from optimizely_double import NOON, Answer, OptimizelyDouble

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.pipeline.retry import RetryPolicy, is_retried_status

Make = Callable[..., InProcess]
Event = dict[str, Any]
DATAFILES, EVENTS = "/datafiles/", "/v1/events"


class TestRetries:
    def test_each_attempt_fetches_the_datafile_anew_and_waits_longer(
        self, make_forwarder: Make, double: OptimizelyDouble, clock: ManualClock, order_completed: Event
    ) -> None:
        double.next(EVENTS, Answer(503), Answer(broken="hang_up"), Answer(429))
        delivery = make_forwarder().deliver(order_completed)
        assert delivery.outcome == "sent"
        assert len(double.to(DATAFILES)) == len(double.to(EVENTS)) == 4
        assert [row["attempt"] for row in delivery.report["requests"]] == [1, 1, 2, 2, 3, 3, 4, 4]
        outcomes = [attempt["outcome"] for attempt in delivery.report["attempts"]]
        assert outcomes == ["delivery_failed"] * 3 + ["sent"]
        times = [attempt["at"] for attempt in delivery.report["attempts"]]
        for expected, (before, after) in zip((1, 8, 64), pairwise(times), strict=True):
            assert 0.75 * expected <= (after - before) / 1000 <= 1.25 * expected

    def test_the_emulator_hears_of_a_pending_delivery_and_then_of_its_end_under_one_id(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.next(EVENTS, Answer(500))
        make_forwarder().deliver(order_completed)
        pending, sent = double.reports()
        assert (pending["outcome"], sent["outcome"]) == ("pending", "sent")
        assert pending["id"] == sent["id"]
        assert pending["attempts"][0]["retry_at"] > NOON
        assert pending["details"][0].endswith("answered 500 Internal Server Error")

    def test_six_attempts_are_all(
        self, make_forwarder: Make, double: OptimizelyDouble, clock: ManualClock, order_completed: Event
    ) -> None:
        double.usual[EVENTS] = Answer(503)
        delivery = make_forwarder().deliver(order_completed)
        assert delivery.outcome == "delivery_failed"
        assert len(double.to(EVENTS)) == 6
        assert delivery.report["attempts"][-1]["retry_at"] is None
        assert clock.now_ms() - NOON < 4 * 3600 * 1000

    def test_no_attempt_is_later_than_the_limit(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.usual[EVENTS] = Answer(503)
        retry = RetryPolicy(attempts=100, limit_s=3600, base_s=600, factor=1, jitter=0)
        delivery = make_forwarder(retry=retry).deliver(order_completed)
        assert [attempt["at"] - NOON for attempt in delivery.report["attempts"]] == [
            n * 600_000 for n in range(7)
        ]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 460, 501])
    def test_what_is_final_is_not_tried_again(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event, status: int
    ) -> None:
        double.usual[EVENTS] = Answer(status)
        delivery = make_forwarder().deliver(order_completed)
        assert delivery.outcome == "delivery_failed"
        assert len(double.to(EVENTS)) == 1

    def test_the_statuses_of_segments_framework(self) -> None:
        listed = {408, 423, 429, 500, *range(502, 1000)}
        assert {status for status in range(200, 1000) if is_retried_status(status)} == listed

    def test_a_retry_is_no_duplicate_of_itself_and_a_replay_takes_up_a_dead_letter(
        self, make_forwarder: Make, double: OptimizelyDouble, order_completed: Event
    ) -> None:
        double.usual[EVENTS] = Answer(503)
        forwarder = make_forwarder()
        dead = forwarder.deliver(order_completed)
        double.usual[EVENTS] = Answer(204)
        replayed = forwarder.finish(forwarder.replay(dead))
        assert replayed.outcome == "sent"
        assert replayed.id == dead.id
        assert [attempt["number"] for attempt in replayed.report["attempts"]] == [1, 2, 3, 4, 5, 6, 7]


@given(
    policy=st.builds(
        RetryPolicy,
        attempts=st.integers(1, 20),
        limit_s=st.floats(0, 1e6),
        base_s=st.floats(0.001, 1e4),
        factor=st.floats(1, 20),
        jitter=st.floats(0, 1),
    ),
    attempt=st.integers(1, 25),
    passed_ms=st.integers(0, 10**9),
    seed=st.integers(0, 2**32),
)
def test_a_wait_is_as_long_as_the_policy_says_or_there_is_none(
    policy: RetryPolicy, attempt: int, passed_ms: int, seed: int
) -> None:
    now = NOON + passed_ms
    due = policy.retry_at(attempt=attempt, now_ms=now, received_at=NOON, random=Random(seed))
    usual_ms = 1000 * policy.base_s * policy.factor ** (attempt - 1)
    if due is None:
        longest_ms = usual_ms * (1 + policy.jitter)
        assert attempt >= policy.attempts or passed_ms + longest_ms + 1 >= policy.limit_s * 1000
    else:
        assert attempt < policy.attempts
        assert due - NOON <= round(policy.limit_s * 1000)
        assert usual_ms * (1 - policy.jitter) - 1 <= due - now <= usual_ms * (1 + policy.jitter) + 1
    assert due == policy.retry_at(attempt=attempt, now_ms=now, received_at=NOON, random=Random(seed))
