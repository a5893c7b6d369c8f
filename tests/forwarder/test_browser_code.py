"""What cdn.segment.com has for a page: analytics.js itself, and the settings of a source whose write key is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings, SettingsError

PACKAGE = {"standalone.js": "loader()", "407.bundle.61efa1acb302134c434b.js": "bundle()"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in PACKAGE.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    settings = ServerSettings.load(port=0, analytics_js=folder, write_keys=("known", "second"))
    with ForwarderServer(settings) as server:
        yield server.base_url


def test_a_page_with_segments_snippet_loads_everything_from_the_folder(served: str) -> None:
    for path, text in (
        ("/analytics.js/v1/known/analytics.min.js", "loader()"),
        ("/ns/blue/analytics.js/v1/known/analytics.js", "loader()"),
        ("/analytics-next/bundles/407.bundle.61efa1acb302134c434b.js", "bundle()"),
    ):
        answer = requests.get(served + path, timeout=10)
        assert (answer.status_code, answer.text) == (200, text)
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for path in (
        "/analytics.js/v1/known/other.js",
        "/analytics-next/bundles/missing.js",
        "/analytics-next/bundles/..%2fsecret",
        "/next-integrations/integrations/x/1/x.js",
    ):
        assert requests.get(served + path, timeout=10).status_code == 404


def test_without_a_folder_it_says_what_to_name() -> None:
    with ForwarderServer(ServerSettings.load(port=0)) as server:
        answer = requests.get(f"{server.base_url}/analytics.js/v1/k/analytics.min.js", timeout=10)
    assert answer.status_code == 404 and "--analytics-js" in answer.text


def test_a_folder_without_the_code_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no standalone\.js"):
        ServerSettings.load(analytics_js=tmp_path)


def test_a_write_key_nobody_knows_is_answered_as_segment_answers(served: str) -> None:
    event = {"userId": "u-1", "event": "Order Completed"}
    for key in ("known", "second", "unknown"):
        taken = requests.post(f"{served}/v1/track", json={**event, "writeKey": key}, timeout=10)
        assert (taken.status_code, taken.json()) == (200, {"success": True})
    listed = requests.get(f"{served}/_forwarder/deliveries", timeout=10).json()["deliveries"]
    assert len(listed) == 2
    (refused,) = requests.get(f"{served}/_forwarder/refused", timeout=10).json()["refused"]
    assert refused["reason"] == "no source has the write key 'unknown'" and refused["status"] == 200
    assert requests.get(f"{served}/v1/projects/known/settings", timeout=10).status_code == 200
    missing = requests.get(f"{served}/v1/projects/unknown/settings", timeout=10)
    assert (missing.status_code, missing.text) == (404, "Cannot GET - Invalid path or write key provided.")
    assert missing.headers["Access-Control-Allow-Origin"] == "*"
