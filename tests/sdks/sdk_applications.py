"""The same visit to an application, made with Optimizely's Python SDK and with its JavaScript SDK."""

from __future__ import annotations

import json
import logging
import subprocess
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from optimizely.config_manager import PollingConfigManager
from optimizely.event.event_processor import BatchEventProcessor
from optimizely.helpers.sdk_settings import OptimizelySdkSettings
from optimizely.optimizely import Optimizely

HERE = Path(__file__).parent
Step = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """What an application saw: whether the SDK became ready, each step's decision (None for a track), each post."""

    ready: bool
    seen: list[dict[str, Any] | None]
    posts: list[dict[str, Any]]


class Application(ABC):
    """Uses one SDK. A step is `{"user", "attributes"?, "decide": flag, "force"?: {"rule", "variation"}}` or
    `{"user", "track": event key, "tags"?}`; what the SDK sends goes to the emulator at `base` in one batch.
    """

    name: str

    @abstractmethod
    def visit(self, base: str, sdk_key: str, *steps: Step) -> Visit:
        """Makes one visit, and comes back when the SDK has sent all it sends. Without steps it is not waited long for
        the datafile: such a visit is made to see that there is none.
        """


class PythonApplication(Application):
    name = "python"

    def visit(self, base: str, sdk_key: str, *steps: Step) -> Visit:
        dispatcher = _Dispatcher(base)
        quiet = logging.Logger("an application", logging.CRITICAL)
        manager = PollingConfigManager(
            sdk_key=sdk_key,
            url_template=f"{base}/datafiles/{{sdk_key}}.json",
            logger=quiet,
            blocking_timeout=10 if steps else 1,
        )
        client = Optimizely(
            config_manager=manager,
            logger=quiet,
            event_processor=BatchEventProcessor(dispatcher, quiet, start_on_init=True, batch_size=100),
            settings=OptimizelySdkSettings(odp_disabled=True),
        )
        ready = manager.get_config() is not None
        users: dict[str, Any] = {}
        seen = [self._take(client, users, step) for step in steps] if ready else []
        client.close()
        return Visit(ready, seen, dispatcher.posts)

    def _take(self, client: Optimizely, users: dict[str, Any], step: Step) -> dict[str, Any] | None:
        user = step["user"]
        if user not in users:
            users[user] = client.create_user_context(user, step.get("attributes", {}))
        context = users[user]
        if "track" in step:
            context.track_event(step["track"], step.get("tags", {}))
            return None
        if "force" in step:
            context.set_forced_decision(
                context.OptimizelyDecisionContext(step["decide"], step["force"]["rule"]),
                context.OptimizelyForcedDecision(step["force"]["variation"]),
            )
        decision = context.decide(step["decide"])
        return {
            "variation": decision.variation_key,
            "rule": decision.rule_key,
            "enabled": decision.enabled,
        }


class _Dispatcher:
    def __init__(self, base: str) -> None:
        self._base = base
        self.posts: list[dict[str, Any]] = []

    def dispatch_event(self, event: Any) -> None:
        answer = requests.post(
            f"{self._base}/v1/events", json=event.params, headers=event.headers, timeout=10
        )
        self.posts.append({"url": event.url, "status": answer.status_code})


class JavaScriptApplication(Application):
    """One Node process for as many visits as one likes."""

    name = "javascript"

    def __init__(self, node: str) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._node = subprocess.Popen(
            [node, str(HERE / "application.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def visit(self, base: str, sdk_key: str, *steps: Step) -> Visit:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"base": base, "sdkKey": sdk_key, "steps": steps}) + "\n")
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        self._errors.seek(0)
        assert line, self._errors.read()
        return Visit(**json.loads(line))

    def close(self) -> None:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.close()
        self._node.wait(timeout=30)
        self._node.stdout.close()
        self._errors.close()
