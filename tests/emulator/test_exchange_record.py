"""The record of one request, byte for byte as it was before requests were written straight to the journal's table."""

import gzip
import json
import os
import re
import socket
from pathlib import Path

from field_builders import activation, batch, purchase
from space import Space

from optilocal.emulator.server import EmulatorServer

GOLDEN = Path(__file__).with_name("exchange_records.txt")
PLAIN = json.dumps(batch(activation(), purchase())).encode()
TWO = json.dumps(batch(purchase(revenue="4999"), purchase("u-2", uuid="c-2", tags={"a": [1]}))).encode()
FAULT = {"on": "events", "status": 503, "body": "not now", "times": 1, "headers": {"Retry-After": "1"}}

# Name → fault rules, method and target, headers, body.
REQUESTS: dict[str, tuple[list[dict[str, object]], str, str, str, bytes]] = {
    "plain": ([], "POST", "/v1/events", "Content-Type: application/json\r\nUser-Agent: shop/1.0\r\n", PLAIN),
    "with violations": ([], "POST", "/v1/events", "Content-Type: text/plain\r\n", TWO),
    "from a page": (
        [],
        "POST",
        "/v1/events",
        "Origin: https://shop.example\r\nReferer: https://shop.example/a?token=t&b=1\r\nUser-Agent: Googlebot/2.1\r\n",
        PLAIN,
    ),
    "with secrets": (
        [],
        "POST",
        "/v1/events?access_token=secret&a=b",
        "Authorization: Bearer secret\r\nCookie: a=b\r\nX-Api-Key: k\r\nProxy-Authorization: x y\r\n",
        PLAIN,
    ),
    "headers twice, with underscore, 8 bits": (
        [],
        "POST",
        "/v1/events",
        "X-One: 1\r\nx-one: 2\r\nX_Two: 2\r\nX-Eight: caf\xe9\r\n",
        PLAIN,
    ),
    "gzip": ([], "POST", "/v1/events", "Content-Encoding: gzip\r\n", gzip.compress(PLAIN, mtime=0)),
    "not gzip": ([], "POST", "/v1/events", "Content-Encoding: gzip\r\n", PLAIN),
    "an unknown encoding": ([], "POST", "/v1/events", "Content-Encoding: br\r\n", PLAIN),
    "strict, accepted": ([], "POST", "/v1/events", "X-Optimizely-Strict: true\r\n", PLAIN),
    "strict, refused": ([], "POST", "/v1/events", "X-Optimizely-Strict: true\r\n", TWO),
    "not JSON": ([], "POST", "/v1/events", "", b'{"visitors": [1,'),
    "not an object": ([], "POST", "/v1/events", "", b"[1, 2]"),
    "empty": ([], "POST", "/v1/events", "", b""),
    "Latin-1": ([], "POST", "/v1/events", "", '{"account_id": "é", "visitors": []}'.encode("latin-1")),
    "NaN and depth": ([], "POST", "/v1/events", "", b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}"),
    "faulted": ([FAULT], "POST", "/v1/events", "", PLAIN),
    "faulted afterwards": ([{**FAULT, "phase": "after"}], "POST", "/v1/events", "", TWO),
    "slow": ([{"on": "events", "latency_ms": 1}], "POST", "/v1/events", "", PLAIN),
    "reset": ([{"on": "events", "break": "reset"}], "POST", "/v1/events", "", PLAIN),
    "truncated afterwards": (
        [{"on": "events", "break": "truncate", "phase": "after"}],
        "POST",
        "/v1/events",
        "",
        b"{",
    ),
    "another method": ([], "PUT", "/v1/events", "", PLAIN),
    "a question": ([], "GET", "/v1/events?q=1", "", b""),
    "a percent-encoded path": ([], "POST", "/v1/%65vents", "", PLAIN),
    "of another surface": ([], "GET", "/datafiles/nobody.json", "Authorization: Basic eA==\r\n", b""),
}


def sent(server: EmulatorServer, space: Space, method: str, target: str, headers: str, body: bytes) -> bytes:
    """The answer's bytes as far as they come."""
    head = f"{method} /ns/{space.name}{target} HTTP/1.1\r\nHost: optilocal.test\r\n{headers}"
    length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall((head + length).encode("latin-1") + body)
        try:
            return b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionResetError:
            return b""


def test_the_record_of_one_request_is_what_it_was(server: EmulatorServer, space: Space) -> None:
    found = []
    for name, (rules, method, target, headers, body) in REQUESTS.items():
        space.call("POST", "/_emulator/reset")
        space.put_clock("2026-01-15T10:00:00Z")
        space.put_faults(*rules)
        answer = sent(server, space, method, target, headers, body).decode("latin-1")
        recorded = space.get("/_emulator/exchanges").text
        text = f"== {name}\n{answer}\n-- {recorded}\n"
        text = re.sub(r'"(number|next|last)":\d+', r'"\1":N', text)
        text = re.sub(r"(?m)^date: .*\r?\n", "", text, flags=re.IGNORECASE)
        found.append(
            re.sub(r"\b[0-9a-f]{32}\b", "ID", text.replace(space.name, "NAMESPACE")).replace("\r", "")
        )
    whole = "\n".join(found)
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(whole, encoding="utf-8")
    assert whole == GOLDEN.read_text(encoding="utf-8")
