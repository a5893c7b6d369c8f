"""Optimizely's own Python SDK, pointed at the emulator: it fetches the datafile, decides, and sends."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from copy import copy
from typing import Any

import requests
from optimizely.config_manager import PollingConfigManager
from optimizely.event.event_processor import ForwardingEventProcessor
from optimizely.helpers.sdk_settings import OptimizelySdkSettings
from optimizely.optimizely import Optimizely
from optimizely.optimizely_config import OptimizelyConfig
from optimizely.optimizely_user_context import UserAttributes
from optimizely.project_config import ProjectConfig

_READ: dict[bytes, tuple[ProjectConfig, OptimizelyConfig | None]] = {}
_MOST_READ = 200


class _Remembered(logging.Handler):
    """Keeps what the SDK logs as warning or worse, for the step's note."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        self.logger = logging.Logger("optimizely of one scenario", logging.WARNING)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


class _OnDemandConfigManager(PollingConfigManager):
    """The SDK's polling manager, polled when a step asks for it and not by a thread of its own."""

    def __init__(self, log: _Remembered, sdk_key: str, url: str) -> None:
        self._log = log
        super().__init__(sdk_key=sdk_key, url=url, logger=log.logger, blocking_timeout=0, retries=0)

    def _initialize_thread(self) -> None:
        self._polling_thread = threading.Thread(target=lambda: None, name="PollThread", daemon=True)

    def _set_config(self, datafile: str | bytes | None) -> None:
        """The SDK validates and reads a datafile anew for each client. Scenarios make many clients for few datafiles:
        what one of them read without a word of warning, the next one takes, with a log of its own.
        """
        if not isinstance(datafile, bytes):
            super()._set_config(datafile)
        elif datafile in _READ:
            config, shown = _READ[datafile]
            if self._config is None or self._config.get_revision() != config.get_revision():
                self._config, self.optimizely_config = copy(config), shown
                self._config.logger = self.logger
            self._config_ready_event.set()
        else:
            before, said = self._config, len(self._log.messages)
            super()._set_config(datafile)
            taken = self._config is not before and len(self._log.messages) == said
            if taken and len(_READ) < _MOST_READ:
                _READ[datafile] = (self._config, self.optimizely_config)

    def poll(self) -> None:
        """One poll, as every five minutes in production: a conditional GET."""
        self.fetch_datafile()


class _NoPredictions:
    """Contextual bandits ask a prediction service of Optimizely's. Nothing imitates it, and nothing leaves the machine."""

    def get_decision(self, *_: object) -> None:
        raise RuntimeError("contextual bandits need Optimizely's prediction service, which is not imitated")


class _Dispatcher:
    """Sends the SDK's log events to the emulator, stamped with the scenario's time: the SDK has no clock to set."""

    def __init__(self, events_url: str, session: requests.Session, now_ms: Callable[[], int]) -> None:
        self._events_url, self._session, self._now_ms = events_url, session, now_ms
        self.answers: list[str] = []

    def dispatch_event(self, event: Any) -> None:
        body = json.loads(json.dumps(event.params))
        for visitor in body.get("visitors", []):
            for snapshot in visitor.get("snapshots", []):
                for item in snapshot.get("events", []):
                    item["timestamp"] = self._now_ms()
        try:
            answer = self._session.post(
                self._events_url, data=json.dumps(body), headers=event.headers, timeout=10
            )
            self.answers.append(f"{answer.status_code} {answer.reason}")
        except requests.RequestException as error:
            self.answers.append(f"not reached: {error}")


class OptimizelyClient:
    """One application that uses the SDK, in one namespace of the emulator.

    `base_url` is the namespace's (…/ns/<name>), `now_ms` the scenario's clock (epoch milliseconds).
    """

    def __init__(
        self, base_url: str, sdk_key: str, session: requests.Session, now_ms: Callable[[], int]
    ) -> None:
        self._log = _Remembered()
        self._up_to_date = False
        self._dispatcher = _Dispatcher(f"{base_url}/v1/events", session, now_ms)
        self._config = _OnDemandConfigManager(self._log, sdk_key, f"{base_url}/datafiles/{sdk_key}.json")
        self._client = Optimizely(
            config_manager=self._config,
            logger=self._log.logger,
            event_dispatcher=self._dispatcher,
            event_processor=ForwardingEventProcessor(self._dispatcher, self._log.logger),
            settings=OptimizelySdkSettings(odp_disabled=True),
            cmab_service=_NoPredictions(),  # type: ignore[arg-type]
        )

    def decide(self, user: str, flag: str, attributes: UserAttributes) -> str:
        """Decide a flag; the SDK sends what it sends. Answers a sentence: what it decided and what it sent."""
        self._start()
        context = self._client.create_user_context(user, attributes)
        if context is None:
            return self._told(f"the SDK makes no user of {user!r}: {self._why([])}")
        decision = context.decide(flag, ["INCLUDE_REASONS"])
        if decision.variation_key is None:
            reason = self._why(decision.reasons)
            return self._told(f"the SDK decided on no variation of {flag}: {reason}")
        rule = f" by rule {decision.rule_key}" if decision.rule_key else ""
        return self._told(f"the SDK decided {decision.variation_key}{rule}")

    def activate(self, user: str, experiment: str, variation: str | None, attributes: UserAttributes) -> str:
        """Activate an experiment, with `variation` through the SDK's forced variation. Answers a sentence."""
        self._start()
        if variation is not None:
            self._client.set_forced_variation(experiment, user, variation)
        got = self._client.activate(experiment, user, attributes)
        if variation is not None:
            self._client.set_forced_variation(experiment, user, None)
        if got is None:
            return self._told(f"the SDK activates nobody in {experiment}: {self._why([])}")
        return self._told(f"the SDK activated {got}")

    def look_again(self) -> None:
        """Poll before the next decision: the CDN may have changed. In production that is every five minutes."""
        self._up_to_date = False

    def _start(self) -> None:
        self._log.messages.clear()
        self._dispatcher.answers.clear()
        if not self._up_to_date:
            self._up_to_date = True
            self._config.poll()

    def _why(self, reasons: list[str]) -> str:
        said = [*self._log.messages, *reasons]
        return said[-1] if said else "not running, not in the audience or not in the traffic"

    def _told(self, what: str) -> str:
        answers = self._dispatcher.answers
        return (
            f"{what}, sent {len(answers)} event batch ({', '.join(answers)})"
            if answers
            else f"{what}, sent nothing"
        )
