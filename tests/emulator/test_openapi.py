"""The description of the control surface, held against the routes and against what they really answer."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from bandit_builders import BANDIT, ask, instance, set_table
from field_builders import activation, batch, purchase
from hypothesis import settings
from jsonschema_rs import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from space import Space

from optilocal import emulator
from optilocal.emulator.app import create_app
from optilocal.emulator.journal.records import FILTERS
from optilocal.emulator.journal.sqlite import SqliteJournal
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.serving.clock import SystemClock

OPENAPI: dict[str, Any] = json.loads(
    (Path(emulator.__file__).parent / "control" / "openapi.json").read_text("utf-8")
)
METHODS = ("get", "put", "post", "patch", "delete")


def described() -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, item in OPENAPI["paths"].items()
        for method in METHODS
        if method in item
    }


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    journal = SqliteJournal()
    app = create_app(Settings(), SystemClock(), journal)
    journal.close()
    routes = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/_emulator"):
            path = rule.rule.replace("<path:", "<").replace("<", "{").replace(">", "}")
            routes |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert routes == described()


@pytest.mark.parametrize("listing", ["exchanges", "events", "verdicts", "runs"])
def test_every_filter_is_described(listing: str) -> None:
    parameters = OPENAPI["paths"][f"/_emulator/{listing}"]["get"]["parameters"]
    names = {parameter["$ref"].rsplit("/", 1)[1] for parameter in parameters}
    assert names == FILTERS[listing] | {"after", "limit", "order", "q", "wait", "count", "ns"}


def test_it_is_served_as_it_stands(space: Space) -> None:
    assert space.json("openapi.json") == OPENAPI


def test_every_error_has_the_one_shape(space: Space) -> None:
    for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
        for path in {path for _, path in described()} | {
            "/_emulator",
            "/_emulator/none",
            "/_emulator/datafiles/a/b",
        }:
            answer = space.call(method, path.replace("{", "").replace("}", ""), data=b"no json")
            if answer.status_code >= 400:
                assert set(answer.json()) == {"error"}
                assert set(answer.json()["error"]) == {"code", "message"}
                assert answer.headers["Content-Type"] == "application/json"
            assert answer.status_code < 500


LONGEST_WAIT = 0.01


def _fuzzed() -> Any:
    document = copy.deepcopy(OPENAPI)
    document["servers"] = [{"url": "/"}]
    document["components"]["parameters"]["wait"]["schema"]["maximum"] = LONGEST_WAIT
    # The listings share their code: one with every parameter will do, the others keep their first two.
    for listing in ("exchanges", "events", "runs"):
        operation = document["paths"][f"/_emulator/{listing}"]["get"]
        operation["parameters"] = operation["parameters"][:2]
    return schemathesis.openapi.from_dict(document)


fuzzed = _fuzzed()


@fuzzed.parametrize()
@settings(max_examples=10, deadline=None)
def test_no_request_brings_a_server_error_or_an_answer_that_is_not_described(
    case: Any, server: EmulatorServer
) -> None:
    # What the description forbids is tried too, but nobody waits longer for it than it allows.
    if isinstance(case.query.get("wait"), int | float):
        case.query["wait"] = min(case.query["wait"], LONGEST_WAIT)
    answer = case.call(base_url=f"{server.base_url}/ns/fuzzed", timeout=30)
    case.validate_response(
        answer, checks=[not_a_server_error, response_schema_conformance, status_code_conformance]
    )


def test_full_listings_are_as_described(space: Space) -> None:
    space.put_datafile()
    space.put_faults({"on": "events", "status": 500, "times": 1})
    space.send(batch(purchase()))
    space.send(batch(activation(), purchase()))
    space.send(b"{")
    space.report(id="d", type="delete", user_id="u-1", outcome="deleted")
    space.report(id="e", outcome="invalid_payload", error={"name": "PayloadValidationError", "message": "no"})
    space.ask()
    space.put_datafile(BANDIT, "bandit")
    assert set_table(space, "sea").status_code == 200
    assert ask(space, instance()).status_code == 200
    for path in (
        "exchanges",
        "events",
        "verdicts",
        "results",
        "datafiles",
        "faults",
        "subject-access-requests",
        "clock",
        "predictions",
    ):
        answer = OPENAPI["paths"][f"/_emulator/{path}"]["get"]["responses"]["200"]
        if "$ref" in answer:
            answer = OPENAPI["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
        schema = answer["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": OPENAPI["components"]})
        assert [error.message for error in validator.iter_errors(space.json(path))] == [], path
