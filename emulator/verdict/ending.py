"""How a verdict ends: its outcome and its two sentences."""

from dataclasses import dataclass

from optilocal.emulator.datafile.nearest import Near
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.wording import quoted, when


@dataclass(frozen=True)
class Ending:
    """How a verdict ends: its outcome, its two sentences, and what else it says."""

    outcome: str
    explanation: str
    remedy: str
    details: tuple[str, ...] = ()
    nearest: tuple[Near, ...] = ()


def event_name(report: DeliveryReport) -> str:
    """The source event as a sentence begins with it."""
    event = report.raw.get("event")
    kind = report.text("type") or "event"
    return quoted(event) if isinstance(event, str) and event else f"The {kind} call"


def retry_due(report: DeliveryReport) -> str:
    """The sentence that announces a retry, with a space before it; empty when none is due."""
    if report.outcome != "pending":
        return ""
    return (
        f" A retry is due at {when(report.retry_at)}." if report.retry_at is not None else " A retry is due."
    )
