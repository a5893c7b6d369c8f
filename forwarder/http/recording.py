"""A client that records every exchange, whoever answers: what a delivery's report says of its requests."""

from __future__ import annotations

import json as json_module
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.http.hosts import local_url, purpose
from optilocal.forwarder.javascript.json import to_json
from optilocal.forwarder.javascript.url import without_fragment
from optilocal.forwarder.javascript.values import UNDEFINED

SHOWN_CHARACTERS = 4096


@dataclass(frozen=True)
class Exchange:
    """One request with its answer, None where there was none.

    `shown` is its row in a delivery's `requests`; `json` is its body as the destination gave it, UNDEFINED for none.
    """

    shown: dict[str, Any]
    answer: Response | None
    json: Any


class RecordingClient(ABC):
    """The client of one attempt of a mapping; `exchanges` has its calls.

    `optimizely` is the emulator's base URL with its `/ns/<name>`; `attempt` is the attempt's number (1, 2, …).
    """

    def __init__(self, optimizely: str, clock: Clock, *, attempt: int = 1) -> None:
        self.optimizely = optimizely
        self.exchanges: list[Exchange] = []
        self._clock = clock
        self._attempt = attempt

    @abstractmethod
    def send(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Response:
        """The answer to one call, whatever its status. Raises `DestinationError` where there is none."""

    def request(
        self, method: str, url: str, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Makes one call and records it, see `Client.request`."""
        shown: dict[str, Any] = {
            "attempt": self._attempt,
            "to": purpose(method, url),
            "method": method,
            "url": without_fragment(url),
            "sent_to": local_url(url, self.optimizely),
            "json": None,
            "status": None,
            "reason": None,
            "response": None,
            "error": None,
            "at": self._clock.now_ms(),
        }
        body = None
        sent = {str(name): str(value) for name, value in (headers or {}).items()}
        if json is not UNDEFINED:
            text = to_json(json)
            # The JSON as it is sent, where Infinity is null.
            shown["json"] = json_module.loads(text)
            body = text.encode("utf-8", "surrogatepass")
            sent["content-type"] = "application/json"
        try:
            answer = self.send(method, url, body, sent)
        except DestinationError as error:
            shown["error"] = error.message
            self.exchanges.append(Exchange(shown, None, json))
            raise
        shown.update(status=answer.status, reason=answer.reason, response=answer.text[:SHOWN_CHARACTERS])
        self.exchanges.append(Exchange(shown, answer, json))
        return answer
