"""How Optimizely's SDKs follow the emulator's datafiles, and what the Python SDK's own dispatcher does with a refusal."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from optimizely.config_manager import PollingConfigManager
from optimizely.event.event_factory import EventFactory
from optimizely.event.event_processor import ForwardingEventProcessor
from optimizely.event_dispatcher import EventDispatcher
from optimizely.helpers.sdk_settings import OptimizelySdkSettings
from optimizely.optimizely import Optimizely

from optilocal.scenarios.running.emulator_client import EmulatorClient

FOLLOW = Path(__file__).parent / "follow.mjs"


def changed(shop: dict[str, Any], revision: str) -> dict[str, Any]:
    return {**shop, "revision": revision, "events": shop["events"][:1]}


def polled(optimizely: EmulatorClient) -> list[int]:
    return [row["status"] for row in optimizely.exchanges(surface="datafile")]


@pytest.fixture
def manager(optimizely: EmulatorClient, shop: dict[str, Any]) -> PollingConfigManager:
    """Python's polling manager, which has fetched once; the tests poll by hand."""
    made = PollingConfigManager(
        sdk_key=shop["sdkKey"],
        url_template=f"{optimizely.base_url}/datafiles/{{sdk_key}}.json",
        update_interval=300,
    )
    assert made.get_config() is not None
    return made


def test_python_ignores_a_change_under_the_same_revision_and_the_emulator_warns(
    manager: PollingConfigManager, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    answer = optimizely.put_datafile(shop["sdkKey"], changed(shop, shop["revision"]))
    assert any("revision" in note["message"] for note in answer["warnings"])
    manager.fetch_datafile()
    config = manager.get_config()
    manager.stop()
    assert config is not None
    assert len(config.event_key_map) == len(shop["events"])
    assert polled(optimizely) == [200, 200]


def test_python_keeps_what_it_knows_when_the_project_is_deactivated(
    manager: PollingConfigManager, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    optimizely.set_deactivated(shop["sdkKey"], True)
    manager.fetch_datafile()
    config = manager.get_config()
    manager.stop()
    assert config is not None
    assert config.revision == shop["revision"]
    assert optimizely.exchanges(surface="datafile")[-1]["response"].startswith("// This Optimizely project")


@pytest.mark.node
def test_javascript_polls_with_304_and_takes_up_a_new_revision_only(
    node: str, optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    key = shop["sdkKey"]
    command = [node, str(FOLLOW), optimizely.base_url, key]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdin is not None
        assert following.stdout is not None
        assert following.stdout.readline().strip() == shop["revision"]
        assert optimizely.exchanges(surface="datafile", status="304", wait=15, count=2)
        optimizely.put_datafile(key, changed(shop, shop["revision"]))
        # It has fetched the change, and asked twice again since.
        assert len(optimizely.exchanges(surface="datafile", status="200", wait=15, count=2)) == 2
        seen = len(polled(optimizely))
        optimizely.exchanges(surface="datafile", wait=15, count=seen + 2)
        optimizely.put_datafile(key, changed(shop, "43"))
        assert following.stdout.readline().strip() == "43"
        optimizely.set_deactivated(key, True)
        deactivated = "// This Optimizely project"
        assert optimizely.exchanges(surface="datafile", q=deactivated, wait=15, count=1)
        optimizely.set_deactivated(key, False)
        optimizely.put_datafile(key, changed(shop, "44"))
        assert following.stdout.readline().strip() == "44"
        following.stdin.close()
        assert following.wait(timeout=15) == 0


def test_the_legacy_address_by_project_serves_the_same_datafile(
    optimizely: EmulatorClient, shop: dict[str, Any]
) -> None:
    manager = PollingConfigManager(
        sdk_key=shop["sdkKey"], url=f"{optimizely.base_url}/json/{shop['projectId']}.json"
    )
    config = manager.get_config()
    manager.stop()
    assert config is not None
    assert config.revision == shop["revision"]


def test_pythons_own_dispatcher_posts_once_and_a_refused_decision_is_lost(
    optimizely: EmulatorClient,
    shop: dict[str, Any],
    manager: PollingConfigManager,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = f"{optimizely.base_url}/v1/events"
    monkeypatch.setattr(EventFactory, "EVENT_ENDPOINTS", {"US": endpoint, "EU": endpoint})
    client = Optimizely(
        config_manager=manager,
        event_processor=ForwardingEventProcessor(EventDispatcher()),
        settings=OptimizelySdkSettings(odp_disabled=True),
    )
    optimizely.add_faults([{"on": "events", "status": 503, "times": 1}])
    context = client.create_user_context("u-1")
    assert context is not None
    context.decide("checkout")
    context.track_event("Order Completed")
    client.close()
    assert [row["status"] for row in optimizely.exchanges(surface="events")] == [503, 204]
    (verdict,) = optimizely.verdicts()
    assert verdict["outcome"] == "user_not_activated"
    assert optimizely.listing("events", kind="decision") == []
