"""POST /v1/events over real HTTP: what is accepted, what is refused, what is kept of either."""

import base64
import gzip
import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from field_builders import activation, batch, codes, purchase
from space import Space

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings


def test_an_accepted_batch_is_answered_204_without_a_body_and_is_there_at_once(space: Space) -> None:
    answer = space.send(batch(activation(), purchase()))
    assert (answer.status_code, answer.content) == (204, b"")
    assert [(row["kind"], row["visitor_id"]) for row in space.rows("events")] == [
        ("decision", "u-1"),
        ("conversion", "u-1"),
    ]
    [exchange] = space.rows("exchanges")
    assert (exchange["surface"], exchange["status"]) == ("events", 204)
    assert exchange["json"] == batch(activation(), purchase())
    assert {row["exchange"] for row in space.rows("events")} == {exchange["number"]}


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[1]", b'"text"', b"\xff\xfe", b'{"a": NaN', b"null", b"[" * 50_000]
)
def test_a_body_that_is_no_object_is_400_and_is_kept(space: Space, body: bytes) -> None:
    answer = space.send(body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
    [exchange] = space.rows("exchanges")
    assert exchange["status"] == 400
    assert exchange["violations"]
    kept = exchange["body"].encode() if exchange["body"] is not None else b""
    if "body_base64" in exchange:
        kept = base64.b64decode(exchange["body_base64"])
    assert kept == body
    assert space.rows("events") == []


def test_an_object_with_faults_is_204_and_every_fault_is_listed(space: Space) -> None:
    assert space.send({"visitors": [{"snapshots": "none"}], "account_id": 7}).status_code == 204
    paths = [note["path"] for note in space.rows("exchanges")[0]["violations"]]
    assert "account_id" in paths
    assert "visitors[0].snapshots" in paths


@pytest.mark.parametrize(("header", "status"), [("true", 400), ("TRUE", 400), ("false", 204), ("", 204)])
def test_strict_refuses_what_lenient_takes(space: Space, header: str, status: int) -> None:
    answer = space.send(batch(purchase(timestamp="soon")), headers={"X-Optimizely-Strict": header})
    assert answer.status_code == status
    assert len(space.rows("events")) == (0 if status == 400 else 1)
    assert space.rows("exchanges")[0]["violations"]


def test_strict_takes_what_is_right(space: Space) -> None:
    assert space.send(batch(activation()), headers={"X-Optimizely-Strict": "true"}).status_code == 204


def test_a_beacon_sends_plain_text(space: Space) -> None:
    text = json.dumps(batch(purchase()))
    assert space.send(text, headers={"Content-Type": "text/plain;charset=UTF-8"}).status_code == 204
    assert [row["key"] for row in space.rows("events")] == ["Order Completed"]


def test_gzip_is_unpacked_and_kept_readable(space: Space) -> None:
    packed = gzip.compress(json.dumps(batch(purchase())).encode())
    assert space.send(packed, headers={"Content-Encoding": "gzip"}).status_code == 204
    assert space.rows("exchanges")[0]["json"] == batch(purchase())


def test_gzip_of_several_members_is_unpacked_whole(space: Space) -> None:
    text = json.dumps(batch(purchase())).encode()
    packed = gzip.compress(text[:50]) + gzip.compress(text[50:])
    assert space.send(packed, headers={"Content-Encoding": "gzip"}).status_code == 204
    assert space.rows("exchanges")[0]["json"] == batch(purchase())


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"{}" * 50, mtime=0)[:20], b""])
def test_broken_gzip_is_400(space: Space, body: bytes) -> None:
    assert space.send(body, headers={"Content-Encoding": "gzip"}).status_code == 400
    assert codes(space.rows("exchanges")[0]["violations"]) == ["not_gzip"]


def test_a_gzip_bomb_is_413_and_is_not_unpacked_whole(space: Space) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert space.send(bomb, headers={"Content-Encoding": "gzip"}).status_code == 413


def test_latin_1_is_read_with_a_warning(space: Space) -> None:
    body = json.dumps(batch(purchase("Zoë")), ensure_ascii=False).encode("latin-1")
    assert space.send(body).status_code == 204
    assert space.rows("events")[0]["visitor_id"] == "Zoë"
    exchange = space.rows("exchanges")[0]
    assert base64.b64decode(exchange["body_base64"]) == body
    assert exchange["json"]["visitors"][0]["visitor_id"] == "Zoë"
    assert exchange["warnings"]


def test_the_limit_is_three_and_a_half_million_bytes(space: Space) -> None:
    empty = batch(purchase(tags={"padding": ""}))
    for over, status in ((0, 204), (1, 413)):
        padding = 3_500_000 - len(json.dumps(empty)) + over
        body = json.dumps(batch(purchase(tags={"padding": "x" * padding})))
        assert space.send(body).status_code == status
    assert len(space.rows("events")) == 1
    large = space.rows("exchanges")[1]
    assert codes(large["violations"]) == ["too_large"]
    assert len(large["body"]) < 100_000


def test_what_no_route_takes_at_all_is_413_and_the_server_goes_on(space: Space) -> None:
    assert space.send(b"x" * 33_000_000).status_code == 413
    assert space.json("health")["status"] == "ok"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(space: Space, method: str) -> None:
    space.put_clock(
        "2026-01-15T10:00:00Z"
    )  # a question alone brings no namespace into being, and is not kept
    answer = space.call(method, "/v1/events")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert space.rows("exchanges")[0]["method"] == method


def test_browsers_are_let_in_from_everywhere(space: Space) -> None:
    origin = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "content-type"}
    before = space.call("OPTIONS", "/v1/events", headers=origin)
    after = space.send(batch(), headers=origin)
    assert (before.status_code, after.status_code) == (204, 204)
    for answer in (before, after):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "content-type" in before.headers["Access-Control-Allow-Headers"]
    assert len(space.rows("exchanges")) == 1


def test_secrets_are_masked_before_they_are_stored(space: Space) -> None:
    headers = {"Authorization": "Bearer s3cr3t-1", "Cookie": "sid=s3cr3t-2", "X-Api-Key": "s3cr3t-3"}
    headers["Referer"] = "https://shop.example/pay?access_token=s3cr3t-5&a=b"
    space.send(batch(), headers=headers)
    space.call("POST", "/v1/events?token=s3cr3t-4&plain=yes", json=batch())
    shown = space.get("/_emulator/exchanges").text
    assert "s3cr3t" not in shown
    assert "plain=yes" in shown
    assert space.rows("exchanges")[0]["headers"]["Authorization"] == "Bearer ***"


def test_a_chunked_body_is_read(space: Space) -> None:
    pieces = [b'{"account_id": "1", ', b'"visitors": []}']
    answer = space.session.post(f"{space.base_url}/v1/events", data=iter(pieces), timeout=10)
    assert answer.status_code == 204
    assert space.rows("exchanges")[0]["json"] == {"account_id": "1", "visitors": []}


def _raw(server: EmulatorServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"nonsense\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_hardly_http_is_a_client_error(server: EmulatorServer, space: Space, head: bytes) -> None:
    assert _raw(server, head).split(b" ")[1].startswith(b"4")
    assert space.json("health")["status"] == "ok"


def test_one_connection_serves_many_requests(server: EmulatorServer) -> None:
    body = b'{"account_id": "1", "visitors": []}'
    head = b"POST /ns/keep/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert _raw(server, (head + body) * 3).count(b"HTTP/1.1 204") == 3


def test_many_clients_at_once_lose_nothing(space: Space) -> None:
    def post(number: int) -> int:
        return space.send(batch(purchase(f"u-{number}", uuid=f"c-{number}"))).status_code

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(post, range(80))) == {204}
    assert {row["visitor_id"] for row in space.rows("events")} == {f"u-{number}" for number in range(80)}


def test_the_limit_on_bodies_is_a_setting() -> None:
    with EmulatorServer(Settings(port=0, max_body=100)) as small:
        import requests  # noqa: PLC0415

        answer = requests.post(f"{small.base_url}/v1/events", data=b"{" + b" " * 100 + b"}", timeout=10)
        assert answer.status_code == 413


def test_a_gzip_body_of_many_members_is_read_up_to_a_thousand(space: Space) -> None:
    whole = json.dumps(batch(purchase("u-1"))).encode()
    pieces = [gzip.compress(whole[at : at + 1]) for at in range(len(whole))]
    assert len(pieces) < 1_000
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert space.send(b"".join(pieces), headers=headers).status_code == 204
    assert [row["visitor_id"] for row in space.rows("events")] == ["u-1"]
    refused = space.send(gzip.compress(b"") * 100_000, headers=headers)
    assert refused.status_code == 400
    assert "more than 1000 members" in refused.text
