"""The emulator's pages, held against the code they speak of."""

import dataclasses
import re
from pathlib import Path

import pytest

from optilocal.emulator.app import create_app
from optilocal.emulator.control.listing import LONGEST_WAIT
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.journal.bounds import RUNS_KEPT
from optilocal.emulator.journal.sqlite import SqliteJournal
from optilocal.emulator.privacy import subject_access
from optilocal.emulator.settings import OPTIONS, Settings
from optilocal.emulator.wire.faults import BREAKS, FIELDS, MAX_RULES, SURFACES
from optilocal.serving.clock import SystemClock
from optilocal.serving.options import Twin

DOCS = Path(__file__).parents[2] / "docs"
OPTIMIZELY = (DOCS / "optimizely.md").read_text("utf-8")
SECURITY = (DOCS / "security.md").read_text("utf-8")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.opts[0])
def test_every_option_is_documented(option: Twin) -> None:
    assert re.search(rf"^\| `{option.opts[0]}[ `].*\| `{option.envvar}` \|", OPTIMIZELY, re.MULTILINE)


def test_no_option_is_documented_that_there_is_not() -> None:
    flags = set(re.findall(r"`(--[a-z-]+)", OPTIMIZELY + SECURITY))
    assert flags == {option.opts[0] for option in OPTIONS}


def test_every_switch_of_counting_is_an_option() -> None:
    assert {field.name for field in dataclasses.fields(Rules)} <= {option.name for option in OPTIONS}


@pytest.mark.parametrize("word", [*FIELDS, *SURFACES, *BREAKS])
def test_every_word_of_a_fault_rule_is_documented(word: str) -> None:
    assert f"`{word}`" in OPTIMIZELY.split("## Making it fail")[1].split("##")[0]


def test_every_imitated_address_is_documented() -> None:
    journal = SqliteJournal()
    app = create_app(Settings(), SystemClock(), journal)
    journal.close()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] in ("event_api", "datafile_cdn", "privacy_api", "results_api"):
            path = re.sub(r"<\w+>", "", rule.rule)
            assert path in re.sub(r"<\w+>", "", OPTIMIZELY) or path == "/v2/subject-access-requests/", (
                rule.rule
            )


def test_the_limits_are_those_of_the_code() -> None:
    settings = Settings()
    for number in (
        settings.max_body,
        settings.max_control_body,
        settings.max_namespaces,
        settings.max_events,
        RUNS_KEPT,
    ):
        assert f"{number:,}" in SECURITY
    assert f"{settings.max_body:,}" in OPTIMIZELY
    assert f"| {MAX_RULES} |" in SECURITY
    assert f"{LONGEST_WAIT:g} seconds" in SECURITY
    assert f"1 to {subject_access.LONGEST_IDENTIFIER}" in OPTIMIZELY


def test_every_rule_says_how_sure_we_are() -> None:
    for section in ("Event API", "Counting", "Datafile CDN", "Subject access requests"):
        table = OPTIMIZELY.split(f"## {section}\n")[1].split("\n## ")[0]
        for row in re.findall(r"^\| (?!rule |---)(.*) \|$", table, re.MULTILINE):
            assert re.search(r"\| .*(confirmed|measured|assumed|ours|not imitated|API description)", row), row


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in (OPTIMIZELY, SECURITY):
        for target, anchor in re.findall(r"\]\(([\w.-]+\.md)(?:#([\w-]+))?\)", page):
            text = (DOCS / target).read_text("utf-8")
            headings = {
                re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-")
                for h in re.findall(r"^#+ (.*)$", text, re.M)
            }
            assert not anchor or anchor in headings
