"""docs/segment.md, held against the code: options, addresses, regulations, limits, retries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from optilocal.forwarder.api import control, preview
from optilocal.forwarder.api.body import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES
from optilocal.forwarder.cli import settings_from
from optilocal.forwarder.context import KEPT_REFUSALS
from optilocal.forwarder.pipeline.retry import RetryPolicy, is_retried_status
from optilocal.forwarder.pipeline.suppression import REACHES_DESTINATIONS, REGULATION_TYPES, SUPPRESSING
from optilocal.forwarder.queue.dispatcher import MAX_WAITING
from optilocal.forwarder.store.spool import KEPT, STATES

PAGE = (Path(__file__).parents[2] / "docs" / "segment.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """What stands under a heading of the page."""
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def cells(text: str) -> list[list[str]]:
    """The rows of the tables in a text, without their headings."""
    found = []
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found[1:]


def test_every_option_is_there_with_its_twin(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings_from(["--help"], {})
    options = set(re.findall(r"^  (--[a-z-]+) ", capsys.readouterr().out, re.MULTILINE)) - {"--help"}
    rows = {row[0].strip("`"): row[1].strip("`") for row in cells(section("Start it alone"))}
    assert set(rows) == options
    for option, twin in rows.items():
        assert twin == "FORWARDER_" + option[2:].upper().replace("-", "_")


def test_the_defaults_are_those_of_the_code() -> None:
    settings = settings_from([], {})
    rows = {row[0].strip("`"): row[2].strip("`") for row in cells(section("Start it alone"))}
    assert rows["--port"] == str(settings.port)
    assert rows["--host"] == settings.host
    assert rows["--optimizely"] == settings.optimizely
    assert rows["--workers"] == str(settings.workers)
    assert rows["--datafile-url"] == settings.destination_settings["dataFileUrl"]
    assert rows["--account-id"] == settings.destination_settings["accountId"]
    assert float(rows["--retry-base"]) == settings.retry.base_s


def test_every_regulation_does_what_the_page_says() -> None:
    seen = set()
    for names, suppresses, reaches in cells(section("Deletion and suppression")):
        for name in re.findall(r"`([A-Z_]+)`", names):
            seen.add(name)
            assert (suppresses == "yes") == (name in SUPPRESSING)
            assert (reaches == "yes") == (name in REACHES_DESTINATIONS)
    assert seen == REGULATION_TYPES


def test_the_numbers_are_those_of_the_code() -> None:
    limits = section("The Tracking API")
    assert f"{MAX_EVENT_BYTES // 1024} KB an event" in limits
    assert f"{MAX_BATCH_BYTES // 1024} KB a request" in limits
    assert f"{MAX_BATCH_EVENTS} events a batch" in limits
    assert f"{MAX_WAITING:,}" in limits
    platform = " ".join(section("The platform between").split())
    assert f"The last {KEPT:,} ended deliveries" in platform
    policy = RetryPolicy()
    assert (policy.attempts, policy.limit_s, policy.factor, policy.jitter) == (6, 4 * 3600, 8, 0.25)
    assert "at most six attempts in four hours, each wait eight times the one before" in platform
    assert f"the last {KEPT_REFUSALS}" in section("The forwarder's own addresses")
    assert all(f"`{state}`" in PAGE or f"state={state}" in PAGE for state in STATES)


def test_the_statuses_that_are_tried_again() -> None:
    again = next(row[0] for row in cells(section("The platform between")) if row[1] == "yes")
    named = {int(number) for number in re.findall(r"\d{3}", again.split("5xx")[0])}
    assert named == {status for status in range(400, 500) if is_retried_status(status)}
    assert "5xx but 501" in again
    assert [status for status in range(500, 600) if not is_retried_status(status)] == [501]


def test_every_own_address_is_on_the_page() -> None:
    app = Flask("control", static_folder=None)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(preview.blueprint)
    listed = section("The forwarder's own addresses")
    rules = (rule.rule for rule in app.url_map.iter_rules())
    paths = {re.sub(r"<[a-z_:]+>", "<id>", rule) for rule in rules}
    # A row may name several: `/_forwarder/filters`, `/consent`.
    shown = re.sub(r"(?<=`, `)/(?!_forwarder|destination)", "/_forwarder/", listed)
    assert paths == set(re.findall(r"/_forwarder/[a-z/<>-]+", shown))
