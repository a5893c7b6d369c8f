"""Telling the emulator what was done with a source event, so that it can give a verdict on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forwarder.retry import is_retried_status

if TYPE_CHECKING:
    import requests

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Told:
    """What came of telling: with `taken` there is nothing more to tell; `number` is the emulator's, if it
    gave one.
    """

    taken: bool
    number: int | None = None


class DeliveryReporter:
    """Posts reports to `<optimizely>/_emulator/deliveries`, where `optimizely` ends in the namespace, if any."""

    def __init__(self, session: requests.Session, optimizely: str) -> None:
        self._session = session
        self._url = f"{optimizely.rstrip('/')}/_emulator/deliveries"

    def send(self, report: dict[str, Any]) -> Told:
        """Posts one report. A report that gets lost spoils no delivery: the event itself has been dealt with."""
        import requests  # noqa: PLC0415 - slow to import, and not needed before something is sent

        body = json.dumps(report, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        try:
            answer = self._session.post(
                self._url,
                data=body.encode("ascii"),
                headers={"content-type": "application/json", "user-agent": "optilocal-forwarder"},
                timeout=TIMEOUT_S,
                proxies={},
            )
            found = answer.json() if answer.ok else {}
        except requests.JSONDecodeError:
            return Told(taken=True)
        except (requests.RequestException, ValueError):
            return Told(taken=False)
        number = found.get("number") if isinstance(found, dict) else None
        # What is refused for good, by a server that is no emulator say, is not asked again.
        refused = 400 <= answer.status_code < 500 and not is_retried_status(answer.status_code)
        return Told(answer.ok or refused, number if isinstance(number, int) else None)
