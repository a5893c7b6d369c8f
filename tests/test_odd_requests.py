"""Whatever bytes come over the wire, both servers answer with the client's mistake or with an answer: never with their own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings

METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"get",
    b"NONSENSE",
    b"",
]
TARGETS = [
    b"/", b"*", b"/v1/events", b"/v1/track", b"/v1/batch", b"/datafiles/x.json", b"/v2/subject-access-requests",
    b"/_emulator/events?limit=2", b"/_emulator/reset", b"/_emulator/deliveries", b"/_forwarder/deliveries?after=1",
    b"/_forwarder/settings", b"/regulations", b"/ns/a/v1/events", b"/ns/%2e%2e/v1/events", b"/ns//x", b"/ns",
    b"/v1/events%00", b"/%ff%fe", b"//v1//events", b"/v1/events?" + b"a=%zz&" * 30, b"http://x/v1/events", b"http://[",
    b"x:1", b"", b"/\xc3\xa4", b"/a b", b"/predict/x", b"/static/../x", b"/?wait=1", b"/v2/experiments/1/results?x=1",
]  # fmt: skip
VERSIONS = [
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"HTTP/9.9",
    b"HTTP/0.9",
    b"HTTP",
    b"",
    b"http/1.1",
    b"HTTP/1.1 ",
]
NAMES = [
    b"Host", b"Content-Length", b"content-length", b"Transfer-Encoding", b"Content-Type", b"Content-Encoding", b"Origin",
    b"Connection", b"Expect", b"Upgrade", b"Authorization", b"Range", b"If-Modified-Since", b"X_Under", b"Sec-Fetch-Site",
    b"", b"a b", b"\xe4", b"X-Forwarded-For",
]  # fmt: skip
VALUES = [
    b"localhost", b"127.0.0.1", b"evil.example", b"[", b"a\x00b", b"\xe4\xff", b"", b"0", b"2", b"-1", b"1e3", b"99999999999999999999",
    b"chunked", b"gzip", b"gzip, chunked", b"identity", b"close", b"keep-alive", b"Upgrade, HTTP2-Settings", b"websocket",
    b"100-continue", b"null", b"http://[", b"text/plain", b"application/json", b"Basic !", b"Basic eDo=", b"Bearer x", b"bytes=0-",
    b"a" * 2_000, b"\ttab\t", b"Thu, 99 Foo 2026",
]  # fmt: skip
BODIES = [
    b"", b"{}", b"[]", b"{", b"ab", b"2\r\n{}\r\n0\r\n\r\n", b"2;x=y\r\n{}\r\n0\r\nA: b\r\n\r\n", b"-2\r\n{}\r\n", b"zz\r\n", b"0\r\n\r\n",
    b"ffffffffffffffffff\r\n", b"\x1f\x8b\x08\x00", b"\x16\x03\x01", b'{"a": "\\ud800"}', b"GET / HTTP/1.1\r\n\r\n", b"1" * 400,
]  # fmt: skip
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]


@st.composite
def odd_request(draw: st.DrawFn) -> bytes:
    """A request put together of pieces that rarely belong together; now and then with a few bytes spoiled."""
    pick = lambda pieces: draw(st.sampled_from(pieces))  # noqa: E731 - said ten times below
    end = pick(ENDS)
    lines = [pick(METHODS) + b" " + pick(TARGETS) + b" " + pick(VERSIONS)]
    lines += [
        pick(NAMES) + pick([b": ", b":", b" : ", b""]) + pick(VALUES) for _ in range(draw(st.integers(0, 6)))
    ]
    text = end.join(lines) + end + end + pick(BODIES)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(text) - 1))
        text = text[:at] + draw(st.binary(max_size=2)) + text[at + 1 :]
    return text


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    with (
        EmulatorServer(Settings(port=0)) as emulator,
        ForwarderServer(ServerSettings(port=0, optimizely=emulator.base_url)) as forwarder,
    ):
        yield [emulator.port, forwarder.port]


def answers(port: int, text: bytes) -> bytes:
    """All that is answered until the server hangs up, or nothing when it breaks the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        try:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65_536), b""))
        except ConnectionError:
            return b""


@settings(max_examples=400)
@given(odd_request())
@example(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")
@example(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}")
@example(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b"GET /ns/a/_emulator/health HTTP/1.1\r\n\r\n")
def test_no_request_is_the_servers_mistake(ports: list[int], text: bytes) -> None:
    for port in ports:
        said = answers(port, text)
        assert not said or said.startswith(b"HTTP/1.1 "), said[:200]
        assert not re.search(rb"HTTP/1\.1 5\d\d ", said), (text[:300], said[:300])


def test_both_answer_as_ever_afterwards(ports: list[int], capfd: pytest.CaptureFixture[str]) -> None:
    for port, server in zip(ports, (b"emulator", b"forwarder"), strict=True):
        health = b"GET /_%s/health HTTP/1.1\r\nHost: localhost\r\n\r\n" % server
        assert answers(port, health).startswith(b"HTTP/1.1 200 ")
    assert capfd.readouterr().err == ""
