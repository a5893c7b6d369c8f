"""Reports to the emulator what was done with source events, so that it can give verdicts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from optilocal.forwarder.pipeline.delivery import Delivery
from optilocal.forwarder.pipeline.retry import is_retried_status

if TYPE_CHECKING:
    from optilocal.forwarder.http.session import HttpSession

TIMEOUT_S = 10.0
HEADERS = {"content-type": "application/json", "user-agent": "optilocal-forwarder"}


@dataclass(frozen=True)
class Receipt:
    """The emulator's answer to a report: `is_final` where the report need not be sent again; `number` is its number, if
    the emulator gave one.
    """

    is_final: bool
    number: int | None = None


class DeliveryReporter:
    """Posts reports to `<optimizely>/_emulator/deliveries`, where `optimizely` ends in the namespace, if any."""

    def __init__(self, session: HttpSession, optimizely: str, token: str | None = None) -> None:
        self._session = session
        self._headers = HEADERS if token is None else {**HEADERS, "authorization": f"Bearer {token}"}
        self._url = f"{optimizely.rstrip('/')}/_emulator/deliveries"

    def report(self, deliveries: Sequence[Delivery], texts: Sequence[str]) -> list[Delivery]:
        """Posts deliveries in one request; `texts` are their reports as JSON. They stay unreported where that fails."""
        return [
            replace(delivery, number=receipt.number or delivery.number, reported=receipt.is_final)
            for delivery, receipt in zip(deliveries, self.send(texts), strict=True)
        ]

    def send(self, reports: Sequence[str]) -> list[Receipt]:
        """Posts reports, each a JSON text, in their order and in one request.

        A failure is no error of the deliveries: their events have been processed.
        """
        from optilocal.forwarder.http.session import NOT_REACHED, BodyError, BodyTooLarge  # noqa: PLC0415 - `requests` is slow to import

        body = reports[0] if len(reports) == 1 else f"[{','.join(reports)}]"
        try:
            answer = self._session.ask("POST", self._url, body.encode("ascii"), self._headers, TIMEOUT_S)
        except (*NOT_REACHED, BodyError, BodyTooLarge):
            return [Receipt(is_final=False)] * len(reports)
        if 400 <= answer.status < 500 and not is_retried_status(answer.status):
            # A final refusal, such as another server's 404, is not repeated. Of several reports perhaps one is wrong.
            if len(reports) == 1:
                return [Receipt(is_final=True)]
            return [self.send([report])[0] for report in reports]
        if not 200 <= answer.status < 400:
            return [Receipt(is_final=False)] * len(reports)
        numbers = _numbers(answer.body, len(reports))
        return [Receipt(is_final=True, number=number) for number in numbers]


def _numbers(content: bytes, count: int) -> list[int | None]:
    """The emulator's numbers of the reports, None where it gave none."""
    try:
        answer: Any = json.loads(content)
    except ValueError:
        answer = None
    numbers = (answer.get("numbers") or [answer.get("number")]) if isinstance(answer, dict) else []
    if not isinstance(numbers, list) or len(numbers) != count:
        return [None] * count
    return [number if isinstance(number, int) else None for number in numbers]
