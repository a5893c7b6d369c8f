"""From an error of the destination to the event's outcome, whether Segment retries it, and the reason in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.errors import AggregateAjvError, DestinationError
from optilocal.forwarder.http.recording import Exchange
from optilocal.forwarder.javascript.values import UNDEFINED
from optilocal.forwarder.pipeline.retry import is_retried_status

DEACTIVATED = "has been deactivated"


@dataclass(frozen=True)
class Judged:
    """An outcome with its sentences; `retried` says whether Segment's platform retries."""

    outcome: str
    details: tuple[str, ...]
    retried: bool = False


def judge(error: DestinationError, exchanges: Sequence[Exchange]) -> Judged:
    """The outcome of one mapping's error, by the request that failed. `exchanges` are the mapping's requests in this
    attempt.
    """
    if not exchanges:
        return Judged("invalid_payload", tuple(error.details))
    # For Segment an error without a status is a 500, so it is retried (@segment/actions-core errors.ts).
    retried = error.status is None or is_retried_status(error.status)
    last = exchanges[-1]
    if last.shown["to"] != "datafile":
        what = "Optimizely's privacy API" if last.shown["to"] == "privacy" else "the Event API"
        return Judged("delivery_failed", _sentences(_failed(last, what), error), retried)
    if last.answer is None or not 200 <= last.answer.status < 300:
        return Judged("datafile_unavailable", _sentences(_failed(last, "the datafile"), error), retried)
    unusable = why_unusable(last.answer)
    if unusable is None:
        return Judged("unmatched_event_key", (error.message,), retried)
    outcome = "project_deactivated" if DEACTIVATED in last.answer.text and not _is_json(last.answer) else None
    return Judged(outcome or "datafile_unavailable", _sentences(unusable, error), retried)


def _sentences(reason: str, error: DestinationError) -> tuple[str, ...]:
    # Segment's own text follows, unless the reason contains it.
    return (reason,) if error.message in reason else (reason, error.message)


def _failed(exchange: Exchange, what: str) -> str:
    url = exchange.shown["url"]
    if exchange.answer is None:
        return f"{what} at {url} was not reached: {exchange.shown['error']}"
    reason = f" {exchange.answer.reason}" if exchange.answer.reason else ""
    return f"{what} at {url} answered {exchange.answer.status}{reason}"


def _is_json(answer: Response) -> bool:
    return answer.data is not UNDEFINED and not isinstance(answer.data, str)


def why_unusable(answer: Response) -> str | None:
    """Why a 2xx answer is not a datafile with a list of events; None when it is."""
    kind = answer.headers.get("content-type", "")
    if DEACTIVATED in answer.text and not _is_json(answer):
        return f"the CDN answered with the text of a deactivated project: {answer.text.strip()[:200]}"
    if "application/json" not in kind:
        named = f"content type {kind!r}" if kind else "no content type"
        return f"the datafile came with {named}: only application/json is parsed, and Segment finds no events in the rest"
    data = answer.data
    if data is UNDEFINED:
        if not answer.text:
            return "the datafile's body is empty"
        if answer.text.startswith("\ufeff"):
            return "the datafile begins with a byte order mark, so it is not valid JSON"
        return f"the datafile is not valid JSON: {answer.text.strip()[:200]}"
    if data is None:
        return "the datafile's body is null"
    if not isinstance(data, dict):
        return "the datafile is not a JSON object"
    if not isinstance(data.get("events"), list):
        return "the datafile has no list of events"
    return None


def judge_settings(error: DestinationError) -> Judged:
    """The outcome of wrong settings, which stop an event before any mapping runs.

    Source: @segment/actions-core destination-kit/index.ts.
    """
    details = error.details if isinstance(error, AggregateAjvError) else [error.message]
    return Judged("invalid_payload", tuple(f"destination settings: {detail}" for detail in details))
