"""A client that records every exchange, whoever answers: what a delivery's report says of its requests."""

import json as json_module
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.http.hosts import local_url, purpose
from optilocal.forwarder.javascript.json import to_json
from optilocal.forwarder.javascript.url import without_fragment
from optilocal.forwarder.javascript.values import UNDEFINED

SHOWN_CHARACTERS = 4096


@dataclass
class Exchange:
    """One request, made `at` a time (epoch ms), with its answer, or with the error's text where there is none.

    `json` is its body as the destination gave it, UNDEFINED for none; `optimizely` is as in `RecordingClient`.
    """

    method: str
    url: str
    json: Any
    at: int
    attempt: int
    optimizely: str
    answer: Response | None = None
    error: str | None = None

    @cached_property
    def text(self) -> str | None:
        """The body as it is sent, where Infinity is null; None for none."""
        return None if self.json is UNDEFINED else to_json(self.json)

    @cached_property
    def shown(self) -> dict[str, Any]:
        """The row in a delivery's `requests`, once there is an answer or an error."""
        answer = self.answer
        return {
            "attempt": self.attempt,
            "to": purpose(self.method, self.url),
            "method": self.method,
            "url": without_fragment(self.url),
            "sent_to": local_url(self.url, self.optimizely),
            "json": None if self.text is None else json_module.loads(self.text),
            "status": None if answer is None else answer.status,
            "reason": None if answer is None else answer.reason,
            "response": None if answer is None else answer.text[:SHOWN_CHARACTERS],
            "error": self.error,
            "at": self.at,
        }


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
    def send(self, exchange: Exchange, headers: Mapping[str, str]) -> Response:
        """The answer to one request, whatever its status. Raises `DestinationError` where there is none."""

    def request(
        self, method: str, url: str, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Makes one call and records it, see `Client.request`."""
        exchange = Exchange(method, url, json, self._clock.now_ms(), self._attempt, self.optimizely)
        # What is nested too deeply to be written is no request, whoever answers: RecursionError leaves here.
        _ = exchange.text
        try:
            answer = exchange.answer = self.send(exchange, headers or {})
        except DestinationError as error:
            exchange.error = error.message
            self.exchanges.append(exchange)
            raise
        self.exchanges.append(exchange)
        return answer
