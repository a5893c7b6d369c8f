"""The destination instances of this forwarder, one for each namespace, and their configurations."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.destination.destination import Settings, Subscription
from optilocal.forwarder.pipeline.mappings import mapping_json, read_mappings
from optilocal.forwarder.pipeline.pipeline import Pipeline
from optilocal.forwarder.pipeline.reporting import DeliveryReporter
from optilocal.forwarder.settings import ServerSettings
from optilocal.forwarder.stages.platform import Platform, read_platform
from optilocal.forwarder.store.spool import Spool
from optilocal.serving.namespaces import DEFAULT

if TYPE_CHECKING:
    from optilocal.forwarder.http.session import HttpSession

ENABLED = "enabled"
"""The setting that switches the whole destination off when it is false; it is not a setting of the action."""
MAX_OPEN = 256
"""The most instances in memory; others are created again from the spool when they are needed."""


class Instances:
    """Every namespace's `Pipeline`, made on first use as `settings` say unless it is configured otherwise.

    `session` gives the one session that all of them send with.
    """

    def __init__(
        self,
        settings: ServerSettings,
        spool: Spool,
        session: Callable[[], HttpSession],
        *,
        clock: Clock,
        random: Random,
        ids: Callable[[], str],
    ) -> None:
        self._usual, self._spool, self._session = settings, spool, session
        self._optimizely = settings.optimizely.rstrip("/")
        self._clock, self._random, self._ids = clock, random, ids
        self._open: OrderedDict[str, Pipeline] = OrderedDict()
        self._latest: tuple[str, Pipeline] | None = None
        # The spool's own lock, since each of the two is used while the other is locked.
        self._lock = spool.lock

    def optimizely(self, namespace: str) -> str:
        """The base URL of the same namespace at the emulator."""
        return self._optimizely if namespace == DEFAULT else f"{self._optimizely}/ns/{namespace}"

    def reporter(self, namespace: str) -> DeliveryReporter:
        """What reports the namespace's deliveries to the emulator."""
        return DeliveryReporter(self._session(), self.optimizely(namespace), self._usual.token)

    def get(self, namespace: str) -> Pipeline:
        """The namespace's instance in its current configuration."""
        # Nearly always the latest one, which needs no lock.
        latest = self._latest
        if latest is not None and latest[0] == namespace:
            return latest[1]
        with self._lock:
            pipeline = self._open.get(namespace)
            if pipeline is None:
                stored = (self._spool.configuration(namespace) or {}).get("platform")
                platform = self._usual.platform if stored is None else read_platform(stored)
                pipeline = self._make(namespace, self.settings(namespace), self.mappings(namespace), platform)
                self._open[namespace] = pipeline
            self._open.move_to_end(namespace)
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
            self._latest = (namespace, pipeline)
            return pipeline

    def forget(self, namespace: str) -> None:
        """Read the namespace's configuration anew when it is needed: another forwarder has changed it."""
        with self._lock:
            self._open.pop(namespace, None)
            self._latest = None

    def settings(self, namespace: str) -> dict[str, Any]:
        """The namespace's settings as configured, `enabled` among them where it was set."""
        stored = self._spool.configuration(namespace) or {}
        settings: dict[str, Any] = stored.get("settings", self._usual.destination_settings)
        return dict(settings)

    def mappings(self, namespace: str) -> list[Subscription]:
        """The namespace's mappings as configured."""
        stored = (self._spool.configuration(namespace) or {}).get("mappings")
        return list(self._usual.mappings) if stored is None else read_mappings(stored)

    def platform(self, namespace: str) -> Platform:
        """The configuration of the stages before the namespace's mappings."""
        return self.get(namespace).platform

    def configure(
        self,
        namespace: str,
        *,
        settings: Mapping[str, Any] | None = None,
        mappings: Sequence[Subscription] | None = None,
        platform: Platform | None = None,
    ) -> None:
        """Changes a namespace's configuration; parts that are None stay.

        Raises `AggregateAjvError` with Segment's texts for wrong settings and `ConfigurationError` for
        mappings that could not work; nothing has changed then.
        """
        with self._lock:
            chosen_settings = dict(settings) if settings is not None else self.settings(namespace)
            chosen_mappings = list(mappings) if mappings is not None else self.mappings(namespace)
            around = platform if platform is not None else self.platform(namespace)
            if settings is not None:
                Settings(of_action(chosen_settings)).validate()
            pipeline = self._make(namespace, chosen_settings, chosen_mappings, around)
            record = {
                "settings": chosen_settings,
                "mappings": [mapping_json(mapping) for mapping in chosen_mappings],
            }
            record["platform"] = around.as_json()
            self._spool.configure(namespace, record)
            self._open[namespace] = pipeline
            self._latest = (namespace, pipeline)

    def _make(
        self,
        namespace: str,
        settings: Mapping[str, Any],
        mappings: Sequence[Subscription],
        platform: Platform,
    ) -> Pipeline:
        from optilocal.forwarder.http.request_client import sending_client  # noqa: PLC0415 - `requests` is slow to import

        return Pipeline(
            Settings(of_action(settings)),
            mappings,
            enabled=settings.get(ENABLED) is not False,
            client=sending_client(self._session(), self.optimizely(namespace), self._clock),
            clock=self._clock,
            random=self._random,
            ids=self._ids,
            platform=platform,
            retry=self._usual.retry,
            memory=self._spool,
            namespace=namespace,
        )


def of_action(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the action itself has."""
    return {name: value for name, value in settings.items() if name != ENABLED}
