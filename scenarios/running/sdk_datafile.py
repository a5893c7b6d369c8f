"""The datafile as Optimizely's Python SDK has it in a scenario: fetched when a step asks, read by the SDK's own reader."""

import json
from functools import lru_cache
from typing import Any

import requests
from optimizely.config_manager import BaseConfigManager, StaticConfigManager
from optimizely.helpers import validator
from optimizely.logger import Logger
from optimizely.optimizely_config import OptimizelyConfig
from optimizely.project_config import ProjectConfig

from optilocal.emulator.datafile.sdk_demands import python_sdk_demands

_TIMEOUT_S = 10
_accepted = lru_cache(maxsize=200)(validator.is_datafile_valid)
"""The SDK checks a datafile against its schema anew for each client, which takes four fifths of the reading (3 of 4 ms);
a process of `optilocal run` makes a client a scenario, for few datafiles.
"""


class ServedDatafile(BaseConfigManager):
    """A config manager of the SDK that polls when the runner asks for it, not every five minutes from a thread of its own.

    It asks as the SDK's PollingConfigManager does, with a conditional GET; an answer that cannot be read leaves the
    earlier datafile in use. It sends its requests on `session`, because the SDK's own would use the environment's proxy.
    """

    def __init__(self, sdk_key: str, url: str, session: requests.Session, logger: Logger) -> None:
        super().__init__(logger=logger)
        self._sdk_key, self._url, self._session = sdk_key, url, session
        self._read: StaticConfigManager | None = None
        self._last_modified: str | None = None
        self.optimizely_config: OptimizelyConfig | None = None
        self.refusals: list[str] = []
        """Why the SDK refused the datafile that was fetched last; empty when it took it, or it was not a JSON object."""
        self.failed: str | None = None
        """Why the last poll got no answer at all."""

    def get_config(self) -> ProjectConfig | None:
        """What the SDK decides by; None as long as no datafile was taken."""
        return self._read.get_config() if self._read else None

    def get_sdk_key(self) -> str:
        """The key it was asked for."""
        return self._sdk_key

    def poll(self) -> None:
        """One poll; what goes wrong is logged in the SDK's words."""
        headers = {"If-Modified-Since": self._last_modified} if self._last_modified else {}
        self.failed = None
        try:
            answer = self._session.get(self._url, headers=headers, timeout=_TIMEOUT_S)
            answer.raise_for_status()
        except requests.RequestException as error:
            failed = f"Fetching datafile from {self._url} failed. Error: {error}"
            self.failed = failed if error.response is None else None
            self.logger.error(failed)
            return
        if answer.status_code != requests.codes.not_modified:
            self._last_modified = answer.headers.get("Last-Modified")
            self._take(_text(answer.content))

    def _take(self, datafile: str) -> None:
        read = StaticConfigManager(datafile, logger=self.logger, skip_json_validation=_accepted(datafile))
        config, known = read.get_config(), self.get_config()
        self.refusals = [] if config else self._reasons(datafile)
        # The SDK takes no other datafile of the revision that it has.
        if config and not (known and known.get_revision() == config.get_revision()):
            self._read, self.optimizely_config = read, read.optimizely_config

    def _reasons(self, datafile: str) -> list[str]:
        try:
            value: Any = json.loads(datafile)
        except ValueError:
            return []
        if not isinstance(value, dict):
            return []
        refusal = f"Optimizely's Python SDK refuses the datafile of {self._url}"
        return [note["message"] for note in python_sdk_demands(value)] or [refusal]


def _text(content: bytes) -> str:
    """A byte order mark aside; what is not UTF-8 is nothing that the SDK could read."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
