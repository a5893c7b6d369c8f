"""Telling the emulator what was done with a source event, so that it can give a verdict on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optilocal.forwarder.pipeline.retry import is_retried_status

if TYPE_CHECKING:
    from optilocal.forwarder.http.session import Session

TIMEOUT_S = 10.0
HEADERS = {"content-type": "application/json", "user-agent": "optilocal-forwarder"}


@dataclass(frozen=True)
class Told:
    """What came of telling: with `taken` there is nothing more to tell; `number` is the emulator's, if it
    gave one.
    """

    taken: bool
    number: int | None = None


class DeliveryReporter:
    """Posts reports to `<optimizely>/_emulator/deliveries`, where `optimizely` ends in the namespace, if any."""

    def __init__(self, session: Session, optimizely: str) -> None:
        self._session = session
        self._url = f"{optimizely.rstrip('/')}/_emulator/deliveries"

    def send(self, reports: Sequence[str]) -> list[Told]:
        """Posts reports, each a JSON text, in their order and in one request.

        A report that gets lost spoils no delivery: the event itself has been dealt with.
        """
        from optilocal.forwarder.http.session import NOT_REACHED, BodyError, BodyTooLarge  # noqa: PLC0415 - `requests` is slow to import

        body = reports[0] if len(reports) == 1 else f"[{','.join(reports)}]"
        try:
            answer = self._session.ask("POST", self._url, body.encode("ascii"), HEADERS, TIMEOUT_S)
        except (*NOT_REACHED, BodyError, BodyTooLarge):
            return [Told(taken=False)] * len(reports)
        if 400 <= answer.status < 500 and not is_retried_status(answer.status):
            # What is refused for good, by a server that is no emulator say, is not asked again; of several
            # perhaps only one is refused.
            one_by_one = [report for report in reports if len(reports) > 1]
            return [self.send([report])[0] for report in one_by_one] or [Told(taken=True)]
        if not 200 <= answer.status < 400:
            return [Told(taken=False)] * len(reports)
        numbers = _numbers(answer.body, len(reports))
        return [Told(taken=True, number=number) for number in numbers]


def _numbers(content: bytes, count: int) -> list[int | None]:
    """The emulator's numbers, as far as it gave some."""
    try:
        found: Any = json.loads(content)
    except ValueError:
        found = None
    given = (found.get("numbers") or [found.get("number")]) if isinstance(found, dict) else []
    if not isinstance(given, list) or len(given) != count:
        return [None] * count
    return [number if isinstance(number, int) else None for number in given]
