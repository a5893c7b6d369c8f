"""Telling the emulator what was done with a source event, so that it can give a verdict on it."""

from __future__ import annotations

import json
from typing import Any

import requests

TIMEOUT_S = 10.0


class DeliveryReporter:
    """Posts reports to `<optimizely>/_emulator/deliveries`, where `optimizely` ends in the namespace, if any."""

    def __init__(self, session: requests.Session, optimizely: str) -> None:
        self._session = session
        self._url = f"{optimizely.rstrip('/')}/_emulator/deliveries"

    def send(self, report: dict[str, Any]) -> int | None:
        """Posts one report; the number it got, or None where the emulator was not reached or did not take it.

        A report that gets lost spoils no delivery: the event itself has been dealt with.
        """
        body = json.dumps(report, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        try:
            answer = self._session.post(
                self._url,
                data=body.encode("ascii"),
                headers={"content-type": "application/json", "user-agent": "optilocal-forwarder"},
                timeout=TIMEOUT_S,
                proxies={},
            )
            number = answer.json().get("number") if answer.status_code in (200, 201) else None
        except (requests.RequestException, ValueError, AttributeError):
            return None
        return number if isinstance(number, int) else None
