"""Requests that the server answers itself: the same answers and records as the plain view's, whatever was sent."""

import json
import re
import socket
from typing import Any

import pytest
import requests
from field_builders import activation, batch, purchase
from hypothesis import example, given, settings
from hypothesis import strategies as st
from space import Space

from optilocal.emulator.server import EmulatorServer

# A request that says it is not compressed is a special one: it takes the way through the app.
PLAINLY = {"Content-Encoding": "identity"}


def both(space: Space, other: Space, body: bytes, **headers: str) -> list[str]:
    """What is answered and recorded of one request, on each of the two ways."""
    found = []
    for where, way in ((space, {}), (other, PLAINLY)):
        where.put_clock("2026-01-15T10:00:00Z")
        where.call("POST", "/_emulator/reset")
        where.put_clock("2026-01-15T10:00:00Z")
        answer = where.call("POST", "/v1/events", data=body, headers={**headers, **way})
        told = {n: v for n, v in answer.headers.items() if n.lower() != "date"}
        exchanges = [without(row, "number", "namespace") for row in where.rows("exchanges")]
        for row in exchanges:
            row["headers"].pop("Content-Encoding", None)
        events = [
            without(row, "number", "namespace", "exchange", "duplicate_of") for row in where.rows("events")
        ]
        seen = json.dumps([answer.status_code, told, answer.text, exchanges, events])
        # An error has an id of its own.
        found.append(re.sub(r"[0-9a-f]{32}", "ID", seen))
    return found


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode())


@settings(max_examples=60, deadline=None)
@given(BODIES)
@example(b'{"visitors": "\xff\xfe"}')
@example(b'{"a": 1e999, "b": 123456789012345678901234567890}')
@example(b'{"a": ' + b"1" * 5_000 + b"}")
@example(b'{"a": "\\ud800"}')
@example(b'{"a": "\x01"}')
@example(b'{"a": NaN}')
@example(b"\xef\xbb\xbf{}")
@example(b"{}")
@example(b"")
@example(b'{"a":' * 300 + b"1" + b"}" * 300)
@example(b'{"a":' * 150 + b"1" + b"}" * 150)
@example(b'{"a": [' + b"{}," * 500 + b"{}]}")
def test_any_body_is_answered_and_recorded_alike(server: EmulatorServer, body: bytes) -> None:
    with requests.Session() as session:
        session.trust_env = False
        space, other = (Space(server.base_url, name, session) for name in ("swift", "plain"))
        one, two = both(space, other, body)
    assert one == two


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"},
        {"Authorization": "Bearer secret", "Cookie": "a=b", "X-Api-Key": "k", "User-Agent": "Googlebot/2.1"},
        {"X-Optimizely-Strict": "true"},
        {"X-Optimizely-Strict": "false"},
        {"X-Long": "x" * 40_000},
    ],
)
@pytest.mark.parametrize("body", [batch(activation(), purchase()), {"account_id": 1, "visitors": []}])
def test_any_headers_are_answered_and_recorded_alike(
    space: Space, other: Space, headers: dict[str, str], body: dict[str, Any]
) -> None:
    one, two = both(space, other, json.dumps(body).encode(), **headers)
    assert one == two
    assert "secret" not in one


def test_the_first_request_of_a_namespace_brings_it_into_being_and_the_others_follow(space: Space) -> None:
    for number in range(5):
        assert space.send(batch(purchase(f"u-{number}", uuid=f"c-{number}"))).status_code == 204
    assert [row["visitor_id"] for row in space.rows("events")] == [f"u-{number}" for number in range(5)]
    assert [row["number"] for row in space.rows("exchanges")] == sorted(
        row["exchange"] for row in space.rows("events")
    )


def test_faults_and_the_clock_hold_from_the_next_request_on(space: Space) -> None:
    send = lambda: space.send(batch(purchase())).status_code  # noqa: E731 - one word for one request
    assert [send(), send()] == [204, 204]
    space.put_faults({"on": "events", "status": 503, "times": 1})
    assert [send(), send()] == [503, 204]
    space.call("DELETE", "/_emulator/faults")
    assert send() == 204
    space.put_clock("2026-01-15T10:00:00Z")
    assert send() == 204
    assert space.rows("exchanges")[-1]["at"] == 1_768_471_200_000


def test_requests_on_one_connection_keep_their_order_on_either_way(
    server: EmulatorServer, space: Space
) -> None:
    space.put_datafile()
    pieces = []
    for number in range(40):
        body = json.dumps(batch(purchase("u", uuid=f"c-{number}"))).encode()
        plainly = b"Content-Encoding: identity\r\n" if number % 3 == 0 else b""
        pieces.append(
            b"POST /ns/%s/v1/events HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s"
            % (space.name.encode(), plainly, len(body), body)
        )
        pieces.append(b"GET /ns/%s/datafiles/sdk-1.json HTTP/1.1\r\nHost: a\r\n\r\n" % space.name.encode())
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"".join(pieces))
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"204", b"200"] * 40
    assert [row["uuid"] for row in space.rows("events")] == [f"c-{number}" for number in range(40)]
    surfaces = [row["surface"] for row in space.rows("exchanges", limit="200")]
    assert surfaces == ["events", "datafile"] * 40
