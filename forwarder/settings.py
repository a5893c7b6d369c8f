"""The settings of one forwarder: its address, its emulator, and the configuration of its destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION, Settings, Subscription
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.pipeline.mappings import ConfigurationError, check_mappings, read_mappings
from optilocal.forwarder.pipeline.retry import RetryPolicy
from optilocal.forwarder.stages.plan import with_plan_read
from optilocal.forwarder.stages.platform import NOTHING, PARTS, Platform, read_platform
from optilocal.serving.json_file import read_json_file

DEFAULT_ACCOUNT = "12001"
DEFAULT_DATAFILE_URL = "https://cdn.optimizely.com/datafiles/default.json"
"""The default Datafile URL: at the emulator, with the sdkKey `default`."""

KEYS = ("accountId", "dataFileUrl", "accessToken", "sdkKey", "mappings", *PARTS)


class SettingsError(ValueError):
    """An option or a settings file that cannot be used: one line that says what, where, and what to do."""


@dataclass(frozen=True)
class ServerSettings:
    """What a `ForwarderServer` is made from. `destination` has the keys accountId, dataFileUrl, accessToken;
    `spool` is a file or, as a text, the address of a PostgreSQL database; None keeps what is accepted in a file that
    goes with the process; port 0 is any free port.
    """

    host: str = "127.0.0.1"
    port: int = 8411
    optimizely: str = "http://127.0.0.1:8410"
    destination: Mapping[str, Any] = field(default_factory=dict)
    mappings: Sequence[Subscription] = (DEFAULT_SUBSCRIPTION,)
    platform: Platform = NOTHING
    spool: Path | str | None = None
    workers: int = 4
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    allowed_hosts: tuple[str, ...] = ()
    token: str | None = None
    """What whoever uses its own addresses has to show, and what the emulator is shown with reports."""
    write_keys: tuple[str, ...] = ()
    """The sources' write keys; with none, every key is accepted. Calls with another key are answered 200 and dropped."""
    analytics_js: Path | str | None = None
    """The folder with analytics.js that pages load, or "cdn" to fetch it from Segment's CDN."""

    @property
    def destination_settings(self) -> dict[str, Any]:
        """The destination's settings with the defaults for what is not given."""
        usual = {"accountId": DEFAULT_ACCOUNT, "dataFileUrl": DEFAULT_DATAFILE_URL}
        return {**usual, **{key: value for key, value in self.destination.items() if value is not None}}

    def check(self) -> Self:
        """These settings, if they are valid. Raises `SettingsError`."""
        if not 0 < self.retry.base_s < float("inf"):
            raise SettingsError(f"a first retry after {self.retry.base_s} seconds: use a number above 0")
        if isinstance(self.analytics_js, Path) and not (self.analytics_js / "standalone.js").is_file():
            raise SettingsError(
                f"{self.analytics_js} has no standalone.js; name the folder dist/umd of @segment/analytics-next"
            )
        if not self.optimizely.startswith(("http://", "https://")):
            raise SettingsError(f"the emulator's address {self.optimizely!r} is not an http:// URL")
        try:
            Settings(self.destination_settings).validate()
            check_mappings(self.mappings)
        except (DestinationError, ConfigurationError) as error:
            raise SettingsError(f"the destination's settings: {error}") from None
        return self

    @classmethod
    def load(cls, file: Path | None = None, **options: Any) -> ServerSettings:
        """Settings from a JSON file with the keys of `KEYS`, every one optional, with `options` for the other fields;
        a `destination` among them wins over the file's, and the file's over `usual`.
        Raises `SettingsError`.
        """
        configured = _read(file) if file is not None else {}
        known = ("accountId", "dataFileUrl", "accessToken")
        destination: dict[str, Any] = dict(options.pop("usual", None) or {})
        destination |= {key: configured[key] for key in known if key in configured}
        if "sdkKey" in configured and "dataFileUrl" not in configured:
            destination["dataFileUrl"] = f"https://cdn.optimizely.com/datafiles/{configured['sdkKey']}.json"
        destination.update(options.pop("destination", None) or {})
        settings = replace(cls(), **options, destination=destination)
        if file is None:
            return settings.check()
        try:
            if "mappings" in configured:
                settings = replace(settings, mappings=read_mappings(configured["mappings"]))
            if "schema" in configured:
                configured = {**configured, "schema": with_plan_read(configured["schema"], file.parent)}
            return replace(settings, platform=read_platform(configured).checked()).check()
        except ValueError as error:
            raise SettingsError(f"{file}: {error}") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        configured = read_json_file(file, "the settings file")
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if not isinstance(configured, dict):
        raise SettingsError(f"the settings file {file} does not contain a JSON object")
    unknown = sorted(set(configured) - set(KEYS))
    if unknown:
        raise SettingsError(f"{file} has an unknown key {unknown[0]!r}; known are {', '.join(KEYS)}")
    return configured
