"""Optimizely's own Python SDK against the emulator: polling, authenticated, conditional, batched."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from optimizely.config_manager import AuthDatafilePollingConfigManager, PollingConfigManager
from optimizely.event.event_processor import BatchEventProcessor
from optimizely.helpers.sdk_settings import OptimizelySdkSettings
from optimizely.optimizely import Optimizely
from space import Space

SHOP: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "scenarios/suite/datafiles/shop.json").read_text("utf-8")
)
KEY = SHOP["sdkKey"]


class Dispatcher:
    """Posts what the SDK would send to Optimizely's host to the emulator, and keeps the answers."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.statuses: list[int] = []
        self.sizes: list[int] = []
        self.sent = threading.Event()

    def dispatch_event(self, event: Any) -> None:
        answer = requests.post(
            f"{self.space.base_url}/v1/events", json=event.params, headers=event.headers, timeout=10
        )
        self.statuses.append(answer.status_code)
        self.sizes.append(len(event.params["visitors"]))
        self.sent.set()


def client(manager: Any, dispatcher: Dispatcher, batch_size: int) -> Optimizely:
    processor = BatchEventProcessor(dispatcher, batch_size=batch_size, flush_interval=30, start_on_init=True)
    return Optimizely(
        config_manager=manager, event_processor=processor, settings=OptimizelySdkSettings(odp_disabled=True)
    )


@pytest.fixture
def shop(space: Space) -> Iterator[Space]:
    space.call("PUT", f"/_emulator/datafiles/{KEY}?token=df-token", json=SHOP)
    yield space


def test_decisions_and_conversions_in_one_batch_are_counted(shop: Space) -> None:
    dispatcher = Dispatcher(shop)
    manager = PollingConfigManager(sdk_key=KEY, url_template=f"{shop.base_url}/datafiles/{{sdk_key}}.json")
    optimizely = client(manager, dispatcher, batch_size=4)
    assert manager.get_config() is not None
    for user in ("u-1", "u-2"):
        assert optimizely.set_forced_variation("checkout_test", user, "treatment")
        assert optimizely.activate("checkout_test", user) == "treatment"
        optimizely.track("Order Completed", user, event_tags={"revenue": 4999, "value": 49.99})
    assert dispatcher.sent.wait(15)
    optimizely.close()
    assert (dispatcher.statuses, dispatcher.sizes) == ([204], [4])
    assert [row["outcome"] for row in shop.rows("verdicts")] == ["counted", "counted"]
    shown = shop.json("results")["experiments"]["checkout_test"]["variations"]["treatment"]
    assert shown["visitors"] == 2
    assert shown["metrics"]["Order Completed"] == {"unique": 2, "total": 2, "revenue": 9998, "value": 99.98}
    [exchange] = shop.rows("exchanges", surface="events")
    assert (exchange["violations"], exchange["warnings"]) == ([], [])


def test_a_poll_of_what_is_known_is_304_and_a_new_revision_is_taken_up(shop: Space) -> None:
    manager = PollingConfigManager(
        sdk_key=KEY, url_template=f"{shop.base_url}/datafiles/{{sdk_key}}.json", update_interval=300
    )
    assert manager.get_config() is not None
    manager.fetch_datafile()
    shop.put_datafile({**SHOP, "revision": "next"}, KEY)
    manager.fetch_datafile()
    config = manager.get_config()
    manager.stop()
    assert config is not None
    assert config.revision == "next"
    assert [row["status"] for row in shop.rows("exchanges", surface="datafile")] == [200, 304, 200]


def test_the_authenticated_datafile_opens_with_its_token(shop: Space) -> None:
    for token, revision in (("df-token", SHOP["revision"]), ("other", None)):
        manager = AuthDatafilePollingConfigManager(
            sdk_key=KEY,
            datafile_access_token=token,
            url_template=f"{shop.base_url}/datafiles/auth/{{sdk_key}}.json",
            blocking_timeout=1,
        )
        if revision is None:
            manager.fetch_datafile()
            assert manager._config is None
        else:
            config = manager.get_config()
            assert config is not None
            assert config.revision == revision
        manager.stop()
    assert "df-token" not in shop.get("/_emulator/exchanges").text
