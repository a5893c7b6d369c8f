"""Event batches on their way in: in order, under the settings of the moment, whoever sends how many at once."""

import json
import socket

from field_builders import batch, purchase
from space import Space

from optilocal.emulator.server import EmulatorServer


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


def test_requests_on_one_connection_keep_their_order(server: EmulatorServer, space: Space) -> None:
    space.put_datafile()
    pieces = []
    for number in range(40):
        body = json.dumps(batch(purchase("u", uuid=f"c-{number}"))).encode()
        said = b"Content-Encoding: identity\r\n" if number % 3 == 0 else b""
        pieces.append(
            b"POST /ns/%s/v1/events HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s"
            % (space.name.encode(), said, len(body), body)
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


def test_a_fault_counts_each_of_many_requests_that_come_at_once(server: EmulatorServer, space: Space) -> None:
    space.put_faults({"on": "events", "status": 503, "skip": 10, "times": 7})
    space.put_clock("2026-01-15T10:00:00Z")
    body = json.dumps(batch(purchase())).encode()
    request = b"POST /ns/%s/v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (
        space.name.encode(),
        len(body),
        body,
    )
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(40)]
    for connection in connections:
        connection.sendall(request)
    statuses = []
    for connection in connections:
        with connection:
            statuses.append(connection.recv(65_536).split(b" ")[1])
    assert sorted(statuses) == [b"204"] * 33 + [b"503"] * 7
    # In the order of the records, the first ten are let through and the next seven are not.
    assert [row["status"] for row in space.rows("exchanges")] == [204] * 10 + [503] * 7 + [204] * 23
    assert [(rule["seen"], rule["applied"]) for rule in space.json("faults")["faults"]] == [(40, 7)]
