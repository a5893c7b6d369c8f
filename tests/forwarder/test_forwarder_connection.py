"""What comes over the wire that is hardly HTTP: answered as the client's mistake, never upset by."""

from __future__ import annotations

import socket

import pytest
from segment_side import SegmentSide

TRACK = b'{"event": "Order Completed", "userId": "u"}'


def exchange(segment: SegmentSide, *pieces: bytes) -> bytes:
    """Everything the forwarder says to these bytes, until it hangs up."""
    with socket.create_connection(("127.0.0.1", segment.server.port), timeout=20) as connection:
        connection.sendall(b"".join(pieces))
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PUT /_forwarder/settings HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e3\r\n\r\n{}",
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{}",
        b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/track HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"POST /v1/track HTTP\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    ],
)
def test_what_is_hardly_http_is_400_and_no_word_of_it_on_stderr(
    segment: SegmentSide, request_head: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = exchange(segment, request_head)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error": {"code": "bad_request"' in answer
    assert segment.post("/v1/track", {"event": "A", "userId": "u"}).status_code == 200
    assert capfd.readouterr().err == ""


def test_a_body_in_chunks_is_taken_like_any_other(segment: SegmentSide) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in TRACK) + b"0\r\n\r\n"
    head = b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(segment, head, chunks).startswith(b"HTTP/1.1 200 ")
    assert segment.ended()[0]["event"] == "Order Completed"


def test_who_asks_before_sending_is_asked_to_go_on_once(segment: SegmentSide) -> None:
    head = b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", segment.server.port), timeout=20) as connection:
        connection.sendall(head % len(TRACK))
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(TRACK)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("path", "status"), [("/v1/batch", 400), ("/regulations", 413)])
def test_a_body_of_any_size_gets_its_answer(segment: SegmentSide, path: str, status: int) -> None:
    assert segment.post(path, data=b"[" * 20_000_000).status_code == status


def test_an_answer_has_a_status_even_for_a_request_without_a_version(segment: SegmentSide) -> None:
    assert exchange(segment, b"GET /_forwarder/nothing\r\n\r\n").startswith(b"HTTP/1.1 4")
