"""Optimizely's own Python SDK, pointed at the emulator: it fetches the datafile, decides, and sends."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from optimizely.cmab.cmab_client import CmabRetryConfig, DefaultCmabClient
from optimizely.cmab.cmab_service import (
    DEFAULT_CMAB_CACHE_SIZE,
    DEFAULT_CMAB_CACHE_TIMEOUT,
    CmabCacheValue,
    DefaultCmabService,
)
from optimizely.event.event_processor import ForwardingEventProcessor
from optimizely.helpers.sdk_settings import OptimizelySdkSettings
from optimizely.odp.lru_cache import LRUCache
from optimizely.optimizely import Optimizely
from optimizely.optimizely_user_context import UserAttributes
from optimizely.version import __version__ as sdk_version

from optilocal.scenarios.running.sdk_datafile import ServedDatafile


@dataclass(frozen=True, slots=True)
class SdkAnswer:
    """What the SDK did in one step.

    `note` is a sentence: what it decided and what it sent. `problem` says, in the SDK's own words, why it decided nothing
    or why its event batch was not taken; None when it decided and whatever it sent was taken. Besides, `refused` says why
    the SDK takes no such datafile, and `failed` which request got no answer at all.
    """

    note: str
    problem: str | None = None
    refused: str | None = None
    failed: str | None = None


class _Remembered(logging.Handler):
    """Keeps what the SDK logs in one step: its errors, and the steps of its decision."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.errors: list[str] = []
        self.steps: list[str] = []
        self.logger = logging.Logger("optimizely of one scenario", logging.INFO)
        self.logger.addHandler(self)

    def forget(self) -> None:
        """A new step begins."""
        self.errors.clear()
        self.steps.clear()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.errors.append(record.getMessage())
        elif record.levelno == logging.INFO:
            self.steps.append(record.getMessage())


class _Dispatcher:
    """Sends the SDK's event batches to the emulator, stamped with the scenario's time: the SDK has no clock to set."""

    def __init__(self, events_url: str, session: requests.Session, now_ms: Callable[[], int]) -> None:
        self._events_url, self._session, self._now_ms = events_url, session, now_ms
        self.answers: list[str] = []
        self.refused: list[str] = []
        self.failed: list[str] = []

    def forget(self) -> None:
        """A new step begins."""
        for texts in (self.answers, self.refused, self.failed):
            texts.clear()

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
        except requests.RequestException as error:
            self.answers.append(f"not reached: {error}")
            self.failed.append(f"its event batch did not reach {self._events_url}: {error}")
            return
        self.answers.append(f"{answer.status_code} {answer.reason}")
        if not answer.ok:
            self.refused.append(f"its event batch was answered with {answer.status_code} {answer.reason}")


class OptimizelyClient:
    """One application that uses the SDK, in one namespace of the emulator.

    `base_url` is the namespace's (…/ns/<name>), `session` asks no proxy, `now_ms` is the scenario's clock (epoch ms).
    """

    def __init__(
        self, base_url: str, sdk_key: str, session: requests.Session, now_ms: Callable[[], int]
    ) -> None:
        self._log = _Remembered()
        self._up_to_date = False
        self._dispatcher = _Dispatcher(f"{base_url}/v1/events", session, now_ms)
        self._datafile = ServedDatafile(
            sdk_key, f"{base_url}/datafiles/{sdk_key}.json", session, self._log.logger
        )
        predictions = DefaultCmabClient(
            http_client=session,
            retry_config=CmabRetryConfig(),
            logger=self._log.logger,
            prediction_endpoint=f"{base_url}/predict/{{}}",
        )
        cache = LRUCache[str, CmabCacheValue](DEFAULT_CMAB_CACHE_SIZE, DEFAULT_CMAB_CACHE_TIMEOUT)
        self._client = Optimizely(
            config_manager=self._datafile,
            logger=self._log.logger,
            event_dispatcher=self._dispatcher,
            event_processor=ForwardingEventProcessor(self._dispatcher, self._log.logger),
            settings=OptimizelySdkSettings(odp_disabled=True),
            cmab_service=DefaultCmabService(cache, predictions, self._log.logger),
        )

    def decide(
        self,
        user: str,
        flag: str,
        attributes: Mapping[str, Any] | None = None,
        options: Sequence[str] = (),
        segments: Sequence[str] | None = None,
    ) -> SdkAnswer:
        """Decide a flag; the SDK sends what it sends.

        `options` are names of the SDK's OptimizelyDecideOption; `segments` the ODP segments the user is qualified for.
        """
        self._start()
        context = self._client.create_user_context(user, _attributes(attributes))
        if context is None:
            return self._undecided(f"the SDK makes no user of {user!r}", [])
        if segments is not None:
            context.set_qualified_segments(list(segments))
        decision = context.decide(flag, ["INCLUDE_REASONS", *options])
        if decision.variation_key is None:
            return self._undecided(f"the SDK decided on no variation of {flag}", decision.reasons)
        rule = f" by rule {decision.rule_key}" if decision.rule_key else ""
        return self._decided(f"the SDK decided {decision.variation_key}{rule}")

    def activate(
        self,
        user: str,
        experiment: str,
        variation: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> SdkAnswer:
        """Activate an experiment, with `variation` through the SDK's forced variation."""
        self._start()
        if variation is not None:
            self._client.set_forced_variation(experiment, user, variation)
        variation_key = self._client.activate(experiment, user, _attributes(attributes))
        if variation is not None:
            self._client.set_forced_variation(experiment, user, None)
        if variation_key is None:
            steps = [text for text in self._log.steps if "Not activating user" not in text]
            return self._undecided(f"the SDK activates nobody in {experiment}", steps)
        return self._decided(f"the SDK activated {variation_key}")

    def look_again(self) -> None:
        """Poll before the next decision: the CDN may have changed. In production that is every five minutes."""
        self._up_to_date = False

    def _start(self) -> None:
        self._log.forget()
        self._dispatcher.forget()
        if not self._up_to_date:
            self._up_to_date = True
            self._datafile.poll()

    def _undecided(self, what: str, reasons: list[str]) -> SdkAnswer:
        texts = [*self._log.errors, *reasons]
        if self._datafile.get_config() is not None:
            texts = [*self._log.errors[-1:], *reasons[-1:]]
        why = "; ".join(dict.fromkeys(text.rstrip(".") for text in texts))
        why = why or "not running, not in the audience or not in the traffic"
        return self._answer(f"{what}: {why}", decided=False)

    def _decided(self, what: str) -> SdkAnswer:
        return self._answer(what, decided=True)

    def _answer(self, what: str, *, decided: bool) -> SdkAnswer:
        sent = self._dispatcher
        batches = (
            f"{len(sent.answers)} event batch ({', '.join(sent.answers)})" if sent.answers else "nothing"
        )
        lost = [*sent.failed, *sent.refused]
        refused = self._refused()
        problem = refused or (what if not decided else f"{what}, but {lost[0]}" if lost else None)
        failed = f"{what}, but {sent.failed[0]}" if sent.failed else self._datafile.failed
        return SdkAnswer(f"{what}, sent {batches}", problem, refused, failed)

    def _refused(self) -> str | None:
        reasons = self._datafile.refusals
        if not reasons:
            return None
        more = f" (and {len(reasons) - 1} more of the kind)" if len(reasons) > 1 else ""
        return f"{reasons[0]}{more}. The SDK that decides here is Python's, {sdk_version}"


def _attributes(attributes: Mapping[str, Any] | None) -> UserAttributes:
    return UserAttributes(dict(attributes or {}))
