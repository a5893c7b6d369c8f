"""The published schemas: each says what the code says, so an editor and `optilocal run` never disagree about a file."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from run_samples import real_run

from optilocal.emulator.verdict.verdict import CONDITIONS
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION
from optilocal.forwarder.pipeline.suppression import REGULATION_TYPES
from optilocal.scenarios.comparing.results import new_run, with_scenarios
from optilocal.scenarios.language import datafiles, document, schema, steps
from optilocal.scenarios.language.loader import load_file
from optilocal.scenarios.language.matchers import plain, read_matcher
from optilocal.scenarios.language.problems import ScenarioError
from optilocal.scenarios.language.yaml_nodes import read_documents

SCENARIO, DEFAULTS, RESULTS = (schema.read(name) for name in schema.NAMES)


def mistakes(document: Any, of: dict[str, Any] = SCENARIO) -> list[str]:
    """What the schema has against a document, as `path: message`."""
    errors = Draft202012Validator(of).iter_errors(document)
    return sorted(f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors)


def documents(text: str) -> list[Any]:
    """The documents of a YAML text as plain JSON, matchers as `{"!regex": …}`."""
    return [plain(document.value) for document in read_documents(Path("a.yaml"), text, read_matcher)]


@pytest.mark.parametrize("name", schema.NAMES)
def test_a_schema_is_one_and_every_reference_in_it_leads_somewhere(name: str) -> None:
    Draft202012Validator.check_schema(schema.read(name))
    for part in json.dumps(schema.read(name)).split('"#/$defs/')[1:]:
        assert part.split('"')[0] in schema.read(name)["$defs"]


def test_the_names_are_those_of_the_emulator_and_the_forwarder() -> None:
    assert set(document.CONDITIONS) == set(CONDITIONS)
    assert set(document.FIELDS) == set(DEFAULT_SUBSCRIPTION.fields)
    assert set(steps.REGULATIONS) == REGULATION_TYPES
    assert RESULTS["$defs"]["outcome"]["enum"] == list(document.OUTCOMES)
    assert set(RESULTS["$defs"]["step"]["properties"]["kind"]["enum"]) == set(steps.STEPS)


WHOLE = """\
scenario: Everything there is
teaches: All of it.
tags: [smoke, all]
datafile: shop.json
settings: {accountId: "12001", accessToken: pat-1}
mappings:
  - name: Purchases
    trigger: type = "track"
    enabled: true
    fields: {eventKey: {"@path": $.event}, revenue: null}
clock: 2026-01-15T10:00:00Z
steps:
  - decide: {user: u-1, flag: checkout, attributes: {plan: gold}}
  - activate: {user: u-1, experiment: checkout_test, variation: treatment, attributes: {}}
  - identify: {userId: u-1, traits: {plan: gold}, context: {}}
  - track:
      event: Order Completed
      properties: {revenue: 4999}
      userId: u-1
      anonymousId: a-1
      messageId: m-1
      timestamp: 2026-01-15T10:00:00Z
      context: {traits: {plan: gold}}
      integrations: {All: true}
  - page:
  - page: {name: Home, category: Shop, properties: {}}
  - screen: {name: Home}
  - group: {groupId: g-1, traits: {}}
  - alias: {userId: u-2, previousId: u-1}
  - forget: {}
  - forget:
  - delete: {userId: u-1, anonymousId: a-1, regulation: DELETE_ONLY}
  - wait: 1.5s
  - wait: 3
  - fault: {on: events, phase: after, status: 503, body: down, headers: {a: b}, latency_ms: 0.5, skip: 1, times: 2,
      chance: 0.5, seed: 4}
  - fault: [{on: datafile, break: reset, times: null}, {on: privacy}]
  - datafile: {deactivated: true}
  - datafile: {set: {experiments.checkout_test.status: Paused}}
  - datafile: {raw: gone, content_type: text/plain, status: 404}
  - datafile: {missing: true}
  - datafile: shop.json
expect:
  tracks:
    - outcome: datafile_unavailable
      attributed_to: []
      conditions: {event_key_matches: null, user_identified: true}
      sent: {visitors: [{visitor_id: u-1}]}
      details: [a]
      warnings: []
      nearest: []
      explanation: a
      remedy: a
      message_id: m-1
  received: []
  results: {checkout_test: {treatment: {visitors: 1}}}
  subject_access_requests: []
  requests: {datafile: 1, events: 1, privacy: 0}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("schemas")
    (made / "shop.json").write_bytes(datafiles.SHOP.read_bytes())
    return made


def loads(folder: Path, text: str) -> str:
    """What `optilocal run` has against a file, empty when nothing."""
    file = folder / "a.scenario.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load_file(file)
    except ScenarioError as error:
        return str(error)
    return ""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a document."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *[place for key, item in inner for place in places(item, (*path, key))]]


def test_the_whole_language_is_valid(folder: Path) -> None:
    assert loads(folder, WHOLE) == ""
    assert [mistakes(document) for document in documents(WHOLE)] == [[]]


(DOCUMENT,) = documents(WHOLE)
WRONG = (None, True, False, -1, 3, 0.5, "", "word", "${name}", "5s", [], {}, ["a"], [1], {"a": 1}, [{}])


@given(place=st.sampled_from(places(DOCUMENT)[1:]), value=st.sampled_from(WRONG), rename=st.booleans())
@settings(max_examples=250, deadline=None)
def test_the_schema_never_refuses_what_runs_and_knows_every_unknown_key(
    folder: Path, place: tuple[Any, ...], value: Any, rename: bool
) -> None:
    document = copy.deepcopy(DOCUMENT)
    target = document
    for part in place[:-1]:
        target = target[part]
    if rename and isinstance(target, dict):
        target[f"{place[-1]}x"] = target.pop(place[-1])
    else:
        target[place[-1]] = value
    said = loads(folder, json.dumps(document))
    refused = mistakes(document)
    if not said:
        assert refused == []
    # What an editor makes of a bare tag, and a row's value, may stand for any outcome.
    told_apart = "outcome" in said and "is unknown" in said and value not in ("", "${name}")
    if "unknown key" in said or "unknown step" in said or told_apart:
        assert refused != []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("tags: [smoke, all]", "tags: smoke"),
        ("clock: 2026-01-15T10:00:00Z", "clock: 5"),
        ("steps:\n", "stepps:\n"),
        ("user: u-1, flag: checkout,", "user: 1, flag: checkout,"),
        ("- decide: {user: u-1, flag: checkout, ", "- decide: {user: u-1, "),
        ("forget: {}", "forget: {all: true}"),
        ("regulation: DELETE_ONLY", "regulation: DELETE"),
        ("wait: 1.5s", "wait: soon"),
        ("on: events, phase: after", "on: event, phase: after"),
        ("phase: after", "phase: later"),
        ("break: reset", "break: all"),
        ("status: 503", "status: down"),
        ("{deactivated: true}", "{deactivated: yes please}"),
        ("{deactivated: true}", "{deactivated: true, missing: true}"),
        ("{missing: true}", "{missing: true, status: 404}"),
        ("outcome: datafile_unavailable", "outcome: datafile_unavailble"),
        ("outcome: datafile_unavailable", "outcome: 5"),
        ("received: []", "received: {}"),
        ("results: {checkout_test: {treatment: {visitors: 1}}}", "results: [1]"),
        ("datafile: 1, events: 1", "datafile: one, events: 1"),
        ("fields: {eventKey:", "fields: {eventkey:"),
        ("enabled: true", "enabled: 1"),
        ("mappings:\n  - name: Purchases", "mappings:\n  - title: Purchases"),
        ("scenario: Everything there is", 'scenario: " "'),
    ],
)
def test_what_the_schema_refuses_does_not_run(folder: Path, right: str, wrong: str) -> None:
    assert right in WHOLE
    text = WHOLE.replace(right, wrong, 1)
    assert loads(folder, text) != ""
    assert [mistakes(document) != [] for document in documents(text)] == [True]


@pytest.mark.parametrize(
    "value",
    ["!any", "!absent", "!uuid", "!timestamp", '!regex "a"', "!approx 49.99", "!approx [49.99, 0.5]", "!contains [a]",
     "!unordered [a]"],
)  # fmt: skip
def test_a_matcher_may_stand_for_any_expectation(folder: Path, value: str) -> None:
    for place in ("tracks: [{outcome: MATCHER}]", "tracks: [{sent: {visitors: MATCHER}}]", "results: MATCHER",
                  "received: MATCHER", "tracks: [{conditions: MATCHER}]", "requests: {events: MATCHER}"):  # fmt: skip
        text = (
            f"scenario: a\nsteps: [{{track: {{event: a}}}}]\nexpect: {{{place.replace('MATCHER', value)}}}\n"
        )
        assert loads(folder, text) == ""
        assert [mistakes(document) for document in documents(text)] == [[]]


def test_a_file_that_asks_for_a_row_is_valid_as_it_is_written(folder: Path) -> None:
    text = """\
scenario: ${what}
rows: [{what: a, n: 1, call: track, plan: {plan: gold}}]
steps:
  - activate: {user: u-1, experiment: checkout_test, attributes: "${plan}"}
  - fault: {on: events, status: 503, times: "${n}"}
  - wait: ${n}
  - ${call}: {userId: u-1, event: Order Completed}
expect: {tracks: [{outcome: counted}], requests: {events: "${n}"}}
"""
    assert loads(folder, text) == ""
    assert [mistakes(document) for document in documents(text)] == [[]]


def test_what_an_editor_makes_of_a_bare_tag_is_accepted() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["expect"] = {"tracks": [{"outcome": ""}], "results": None, "requests": {"events": ""}}
    assert mistakes(document) == []


def test_a_real_run_is_valid_finished_and_on_its_way() -> None:
    run = real_run()
    assert mistakes(run, RESULTS) == []
    begun = new_run("r", "optilocal run", "http://127.0.0.1:8410", 0, 9)
    assert mistakes(begun, RESULTS) == []
    assert mistakes(with_scenarios(begun, run["scenarios"][:2]), RESULTS) == []


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_run_without_a_field_or_with_one_more_is_not(data: st.DataObject) -> None:
    run = real_run()
    failed = run["scenarios"][1]
    part = data.draw(
        st.sampled_from(
            [run, run["counts"], failed, failed["steps"][0], failed["differences"][1], failed["source"]]
        )
    )
    if data.draw(st.booleans()):
        part["another"] = 1
    else:
        del part[
            data.draw(
                st.sampled_from(sorted(set(part) - {"expected", "captured", "verdict_number", "message_id"}))
            )
        ]
    assert mistakes(run, RESULTS) != []


@pytest.mark.parametrize("name", schema.NAMES)
def test_a_schema_is_printed_for_those_who_want_a_file_of_it(name: str) -> None:
    command = [sys.executable, "-m", "optilocal.scenarios.language.schema", name]
    printed = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8")
    assert json.loads(printed.stdout) == schema.read(name)
