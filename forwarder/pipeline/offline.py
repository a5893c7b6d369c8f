"""What would become of an event, without a network: the client of previews and of `optilocal check`."""

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from optilocal.forwarder.clock import Clock, ManualClock
from optilocal.forwarder.destination.destination import ActionResult, Settings, Subscription, on_event
from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.http.recording import Exchange, RecordingClient

# Node.js knows some statuses by other names than Python, whose names also change from version to version.
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    509: "Bandwidth Limit Exceeded",
}
# Answers with these statuses have no body, whatever the datafile (RFC 9110, 6.4.1).
_BODILESS: Final = (204, 304)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def answered(status: Any, name: str = "status") -> Response:
    """An answer without a body. Raises `DestinationError`, with `name`, for what is no HTTP status."""
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 999:
        raise DestinationError(f"{name} must be an HTTP status, a whole number from 100 to 999")
    return Response(status, _REASONS.get(status, ""))


def datafile_answer(
    text: str, status: Any = 200, content_type: str | None = "application/json", *, name: str = "status"
) -> Response:
    """The CDN's answer with this text. Raises `DestinationError`, with `name`, for what is no HTTP status."""
    empty = answered(status, name)
    headers = {} if content_type is None else {"content-type": content_type}
    # A body is sent as UTF-8, where a lone surrogate becomes the replacement character.
    sent = text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)
    return Response(empty.status, empty.reason, headers, "" if status in _BODILESS else sent)


def _accepted() -> Response:
    return answered(204)


class OfflineClient(RecordingClient):
    """Sends nothing: `datafile` answers each GET, `accepted` each other request; they may raise `DestinationError`.

    `optimizely`, `clock` and `attempt` stand in the rows of a report.
    """

    def __init__(
        self,
        datafile: Callable[[], Response],
        accepted: Callable[[], Response] = _accepted,
        *,
        optimizely: str = "",
        clock: Clock | None = None,
        attempt: int = 1,
    ) -> None:
        super().__init__(optimizely, clock or ManualClock(0), attempt=attempt)
        self._datafile, self._accepted = datafile, accepted

    def send(self, exchange: Exchange, headers: Mapping[str, str]) -> Response:  # noqa: ARG002
        """The answer to a request, which is not sent."""
        return self._datafile() if exchange.method == "GET" else self._accepted()


def through_mappings(
    event: Any, mappings: Sequence[Subscription], settings: Settings, client: RecordingClient
) -> tuple[ActionResult, Sequence[Exchange]]:
    """The result of the enabled mapping that gets furthest, the first of several, and the requests that it made."""

    def depth(passage: tuple[ActionResult, Sequence[Exchange]]) -> int:
        result, exchanges = passage
        return {"skipped": 0, "sent": 3}.get(result.outcome, 2 if exchanges else 1)

    passages: list[tuple[ActionResult, Sequence[Exchange]]] = []
    for mapping in mappings:
        if mapping.enabled:
            earlier = len(client.exchanges)
            result = on_event(event, mapping, settings, client)
            passages.append((result, client.exchanges[earlier:]))
    return max(passages, key=depth, default=(ActionResult("skipped"), ()))


def completed(event: Mapping[str, Any], message_id: str, now: str | None) -> dict[str, Any]:
    """An event with an id and a time, which Segment's Tracking API gives to every event that has none
    (https://segment.com/docs/connections/spec/common/).
    """
    times = (event.get(key) for key in ("originalTimestamp", "sentAt", "receivedAt"))
    return {"messageId": message_id, "timestamp": next(filter(None, times), now), **event}
