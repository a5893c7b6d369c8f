"""A pipeline without a queue: each event is brought to its end at once, over every wait, and reported."""

from __future__ import annotations

from typing import Any

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.pipeline.delivery import Delivery, report_text
from optilocal.forwarder.pipeline.memory import ProcessMemory
from optilocal.forwarder.pipeline.pipeline import Pipeline
from optilocal.forwarder.pipeline.reporting import DeliveryReporter
from optilocal.forwarder.pipeline.source_event import deletion_event
from optilocal.forwarder.pipeline.suppression import regulate
from optilocal.serving.namespaces import DEFAULT


class InProcess(Pipeline):
    """`reporter` reports to the emulator; without one nothing is reported."""

    def __init__(
        self, *arguments: Any, clock: ManualClock, reporter: DeliveryReporter | None, **named: Any
    ) -> None:
        self.own_clock, self.reporter, self.memory = clock, reporter, ProcessMemory()
        super().__init__(*arguments, clock=clock, memory=self.memory, **named)

    def deliver(self, source_event: dict[str, Any]) -> Delivery:
        return self.finish(self.open(source_event))

    def delete(self, user_id: str, regulation: str = "SUPPRESS_WITH_DELETE") -> Delivery | None:
        now = self.own_clock.now_ms()
        if not regulate(self.memory, DEFAULT, regulation, "user_id", user_id, at=now):
            return None
        return self.finish(self.open(deletion_event(user_id, message_id=f"delete-{user_id}", at=now)))

    def finish(self, delivery: Delivery) -> Delivery:
        while delivery.retry_at is not None:
            if delivery.retry_at > self.own_clock.now_ms():
                delivery = self.report(delivery)
                self.own_clock.set(delivery.retry_at)
            delivery = self.attempt(delivery)
        return self.report(delivery)

    def report(self, delivery: Delivery) -> Delivery:
        if self.reporter is None:
            return delivery
        return self.reporter.report([delivery], [report_text(delivery.report)])[0]
