"""Namespaces: each an emulator of its own, by a prefix that works on every route."""

import pytest
from field_builders import activation, batch, datafile, purchase
from space import Space

from optilocal.emulator.server import EmulatorServer


def test_what_is_in_one_is_in_no_other(space: Space, other: Space) -> None:
    space.put_datafile()
    space.put_clock("2026-01-15T10:00:00Z")
    space.put_faults({"on": "privacy", "status": 500})
    space.send(batch(activation(), purchase()))
    space.report(id="d-1", message_id="c-1")
    for listing in ("events", "exchanges", "verdicts", "datafiles", "faults"):
        assert other.rows(listing) == []
    results = other.json("results", funnel="yes")
    assert results["experiments"] == results["holdouts"] == {}
    assert results["funnel"]["received"] == 0
    assert other.json("clock")["set"] is False
    assert other.get("/datafiles/sdk-1.json").status_code == 403


def test_without_a_prefix_the_namespace_is_default(server: EmulatorServer, space: Space) -> None:
    root = Space(server.base_url, None, space.session)
    named = Space(server.base_url, "default", space.session)
    root.send(batch(purchase("only-default")))
    assert [row["namespace"] for row in named.rows("events", visitor_id="only-default")] == ["default"]


def test_addresses_that_are_given_out_lead_back_into_the_namespace(space: Space) -> None:
    assert space.session.get(space.put_datafile().json()["url"]).json() == datafile()


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, "a!", "a%00", "%2e%2e", "%2e"])
def test_a_name_that_is_none_is_refused(server: EmulatorServer, space: Space, name: str) -> None:
    answer = space.session.get(f"{server.base_url}/ns/{name}/_emulator/health")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_namespace"


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 64, "..."])
def test_a_name_of_the_allowed_characters_is_fine(server: EmulatorServer, space: Space, name: str) -> None:
    assert space.session.get(f"{server.base_url}/ns/{name}/_emulator/health").status_code == 200


def test_asking_makes_no_namespace(space: Space) -> None:
    for path in ("events", "results", "datafiles", "clock", "faults", "health"):
        space.json(path)
    assert space.name not in [row["name"] for row in space.rows("namespaces")]
    assert space.get("/datafiles/x.json").status_code == 403
    assert space.get("/v1/events").status_code == 405
    assert space.name not in [row["name"] for row in space.rows("namespaces")]
    assert space.send(batch(purchase())).status_code == 204
    assert space.name in [row["name"] for row in space.rows("namespaces")]
