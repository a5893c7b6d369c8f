"""`optilocal.sandbox()` in scripts and tests that know no pytest: as a block, as a decorator, in async code."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from optimizely.config_manager import PollingConfigManager
from optimizely.event.event_processor import ForwardingEventProcessor
from optimizely.event_dispatcher import EventDispatcher
from optimizely.optimizely import Optimizely

import optilocal
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.language.problems import CannotRun

DATAFILE = json.loads(SHOP.read_bytes())
PURCHASE = {"user_id": "u-1", "event": "Order Completed", "properties": {"revenue": 4999}}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate authority of these tests is not the user's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def health(url: str) -> Mapping[str, Any]:
    with urllib.request.urlopen(url) as answer:
        return dict(json.load(answer))


def test_a_block_has_an_optimizely_and_a_segment() -> None:
    with optilocal.sandbox(datafile=SHOP) as s:
        s.optimizely.activate("u-1", "checkout_test", "treatment")
        message_id = s.segment.track(**PURCHASE)
        s.optimizely.assert_counted(event_key="Order Completed")
        assert s.optimizely.results()["checkout_test"]["treatment"]["Order Completed"] == {
            "unique": 1, "total": 1, "revenue": 4999, "value": 0.0,
        }  # fmt: skip
        assert s.explain(message_id).startswith("counted  Order Completed")
        assert health(f"{s.emulator_url}/_emulator/health")["status"] == "ok"
        assert health(f"{s.forwarder_url}/_forwarder/health")["status"] == "ok"
        addresses = (s.emulator_url, s.forwarder_url)
    for address in addresses:
        with pytest.raises(requests.ConnectionError):
            requests.get(address, timeout=5)


@pytest.mark.parametrize("given", [DATAFILE, json.dumps(DATAFILE), str(SHOP)], ids=["dict", "JSON", "path"])
def test_a_datafile_is_taken_in_any_form_and_again_from_its_url(given: Any) -> None:
    with optilocal.sandbox(given) as s, optilocal.sandbox(s.optimizely.datafile_url) as other:
        assert s.optimizely.account_id == other.optimizely.account_id == DATAFILE["accountId"]
        assert s.emulator_url != other.emulator_url


def test_settings_and_mappings_are_those_of_the_destination(tmp_path: Path) -> None:
    mappings = [
        {
            "name": "Orders",
            "trigger": 'type = "track" and event = "order_completed"',
            "fields": {
                "eventKey": "Order Completed",
                "userId": {"@path": "$.userId"},
                "timestamp": {"@path": "$.timestamp"},
                "uuid": {"@path": "$.messageId"},
            },
        }
    ]
    file = tmp_path / "destination.json"
    file.write_text(json.dumps({"accessToken": "pat-1", "mappings": mappings}), encoding="utf-8")
    for settings in ({"accessToken": "pat-1", "mappings": mappings}, file, str(file)):
        with optilocal.sandbox(settings=settings) as s:
            s.optimizely.activate("u-1", "checkout_test")
            s.segment.track("u-1", "order_completed")
            s.optimizely.assert_counted(event_key="Order Completed", event="order_completed")
            s.segment.delete("u-1")
            (deletion,) = s.optimizely.verdicts(kind="deletion")
            assert deletion["delivery"]["outcome"] == "deleted"
    with optilocal.sandbox(mappings=mappings) as s:
        s.segment.track(**PURCHASE)
        s.optimizely.assert_not_counted("not_subscribed")


def test_what_cannot_be_used_is_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    no_json = tmp_path / "settings.json"
    no_json.write_text("{", encoding="utf-8")
    before = dict(os.environ)
    for arguments, message in (
        ({"datafile": {"events": 1}}, "version"),
        ({"datafile": tmp_path / "missing.json"}, "missing.json: No such file"),
        ({"datafile": "http://127.0.0.1:9/datafile.json"}, "was not reached"),
        ({"settings": tmp_path / "missing.json"}, "cannot be read: No such file"),
        ({"settings": no_json}, "is not valid JSON"),
        ({"settings": {"acountId": "1"}}, "unknown setting 'acountId'"),
        ({"mappings": [{"trigger": 1}]}, "PUT /_forwarder/mappings"),
    ):
        with pytest.raises((ValueError, CannotRun), match=message) as told, optilocal.sandbox(**arguments):  # type: ignore[arg-type]
            pass
        assert "\n" not in str(told.value)
    blocked = tmp_path / "blocked"
    blocked.write_text("", encoding="utf-8")
    os.environ["XDG_STATE_HOME"] = str(blocked)
    try:
        with pytest.raises(CannotRun, match=r"certificate authority cannot be kept in .*blocked"):  # noqa: SIM117
            with optilocal.sandbox(intercept=True):
                pass
    finally:
        os.environ["XDG_STATE_HOME"] = before["XDG_STATE_HOME"]
    assert dict(os.environ) == before


def test_a_decorated_function_gets_a_sandbox_of_its_own_each_time() -> None:
    seen = []

    @optilocal.sandbox(datafile=SHOP)
    def purchase(user: str, sandbox: optilocal.Sandbox, event: str = "Order Completed") -> int:
        """What is decorated keeps its name and its words."""
        sandbox.segment.track(user, event)
        seen.append(sandbox.emulator_url)
        return len(sandbox.optimizely.verdicts())

    @optilocal.sandbox()
    def nothing_asked(user: str) -> str:
        return user

    assert (purchase("u-1"), purchase("u-2", event="Signed Up")) == (1, 1)  # type: ignore[call-arg]
    assert len(set(seen)) == 2
    assert nothing_asked("u-1") == "u-1"
    assert purchase.__doc__ == "What is decorated keeps its name and its words."


def test_async_code_uses_it_too() -> None:
    @optilocal.sandbox()
    async def decorated(sandbox: optilocal.Sandbox) -> int:
        await asyncio.to_thread(sandbox.segment.track, **PURCHASE)
        return len(await asyncio.to_thread(sandbox.optimizely.verdicts))

    async def both() -> int:
        async with optilocal.sandbox() as s:
            await asyncio.to_thread(s.segment.track, **PURCHASE)
            return await decorated()  # type: ignore[call-arg]

    # In a thread of its own: Playwright leaves a loop running in the one that drives a browser.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, both()).result() == 1


def test_intercept_catches_what_this_process_sends_to_the_real_hosts() -> None:
    before = dict(os.environ)
    with optilocal.sandbox(datafile=SHOP, intercept=True) as s:
        config = PollingConfigManager(sdk_key=DATAFILE["sdkKey"])
        client = Optimizely(config_manager=config, event_processor=ForwardingEventProcessor(EventDispatcher))
        try:
            variation = client.create_user_context("u-1", {"plan": "gold"}).decide("checkout").variation_key
        finally:
            client.close()
            config.stop()
        message_id = s.segment.track(**PURCHASE, context={"traits": {"plan": "gold"}})
        (verdict,) = s.optimizely.assert_counted(message_id=message_id)
        assert verdict["attributed_to"][0]["variation"] == variation
    assert dict(os.environ) == before


def test_a_program_with_its_environment_is_caught_and_this_process_is_not() -> None:
    program = (
        "import requests; print(requests.get('https://cdn.optimizely.com/datafiles/nobody.json').status_code)"
    )
    before = dict(os.environ)
    with optilocal.sandbox() as s:
        environment = {**os.environ, **s.environment}
        assert dict(os.environ) == before
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
    assert done.stdout == "403\n"


def test_importing_optilocal_loads_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import optilocal; optilocal.__version__; "
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names; "
        "print(loaded, 'optilocal.scenarios' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "{'optilocal'} False\n"


def test_a_variation_is_forced_for_the_sandboxs_sdk_and_for_every_other() -> None:
    with optilocal.sandbox() as box:
        box.optimizely.decide("u-0", "checkout")
        box.optimizely.force("checkout_test", "treatment", user="qa-1")
        box.optimizely.force("checkout_test", "control")
        box.optimizely.decide("qa-1", "checkout")
        box.optimizely.decide("u-2", "checkout")
        for user in ("qa-1", "u-2"):
            box.segment.track(user_id=user, event="Order Completed")
        (tester,) = box.optimizely.assert_counted(visitor_id="qa-1")
        (other,) = box.optimizely.assert_counted(visitor_id="u-2")
        assert [verdict["attributed_to"][0]["variation"] for verdict in (tester, other)] == [
            "treatment",
            "control",
        ]
        assert all(
            "forced_here" in {note["code"] for note in verdict["warnings"]} for verdict in (tester, other)
        )
        with pytest.raises(ValueError, match="tretment"):
            box.optimizely.force("checkout_test", "tretment")
