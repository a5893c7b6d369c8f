"""Reports to the emulator what was done with source events, so that it can give verdicts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from optilocal.forwarder.pipeline.delivery import Delivery
from optilocal.forwarder.pipeline.retry import is_retried_status

if TYPE_CHECKING:
    from optilocal.forwarder.http.session import HttpSession

TIMEOUT_S = 10.0
HEADERS = {"content-type": "application/json", "user-agent": "optilocal-forwarder"}


class DeliveryReporter:
    """Posts reports to `<optimizely>/_emulator/deliveries`, where `optimizely` ends in the namespace, if any."""

    def __init__(self, session: HttpSession, optimizely: str, token: str | None = None) -> None:
        self._session = session
        self._headers = HEADERS if token is None else {**HEADERS, "authorization": f"Bearer {token}"}
        self._url = f"{optimizely.rstrip('/')}/_emulator/deliveries"

    def report(self, deliveries: Sequence[Delivery], texts: Sequence[str]) -> list[Delivery]:
        """Posts deliveries in their order and in one request; `texts` are their reports as JSON.

        They stay unreported where that fails, which is no error: their events have been processed.
        """
        from optilocal.forwarder.http.session import NOT_REACHED, BodyError, BodyTooLarge  # noqa: PLC0415 - `requests` is slow to import

        body = texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"
        try:
            answer = self._session.ask("POST", self._url, body.encode("ascii"), self._headers, TIMEOUT_S)
        except (*NOT_REACHED, BodyError, BodyTooLarge):
            return list(deliveries)
        numbers: list[int | None] = [None]
        if 400 <= answer.status < 500 and not is_retried_status(answer.status):
            # A final refusal, such as another server's 404, is not repeated. Of several reports perhaps one is wrong.
            if len(texts) > 1:
                return [self.report([each], [text])[0] for each, text in zip(deliveries, texts, strict=True)]
        elif 200 <= answer.status < 400:
            numbers = _numbers(answer.body, len(texts))
        else:
            return list(deliveries)
        return [
            replace(delivery, number=number or delivery.number, reported=True)
            for delivery, number in zip(deliveries, numbers, strict=True)
        ]


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
