"""The request client: which host a URL really goes to, what goes over the wire, and Node's texts for what fails."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator

import pytest
from optimizely_double import NOON, Answer, OptimizelyDouble

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.errors import FetchError, JavaScriptTypeError, RequestTimedOut
from optilocal.forwarder.http.hosts import local_url
from optilocal.forwarder.http.request_client import RequestClient
from optilocal.forwarder.http.session import HttpSession

EMULATOR = "http://127.0.0.1:8410/ns/blue"


@pytest.fixture
def session() -> Iterator[HttpSession]:
    with HttpSession() as opened:
        yield opened


@pytest.fixture
def client(double: OptimizelyDouble, clock: ManualClock, session: HttpSession) -> RequestClient:
    return RequestClient(session, f"{double.url}/ns/blue", clock)


@pytest.mark.parametrize(
    ("real", "local"),
    [
        ("https://logx.optimizely.com/v1/events", f"{EMULATOR}/v1/events"),
        ("https://eu.logx.optimizely.com/v1/events", f"{EMULATOR}/v1/events"),
        ("https://cdn.optimizely.com/datafiles/a.json?x=1", f"{EMULATOR}/datafiles/a.json?x=1"),
        ("http://CDN.Optimizely.com.:443/datafiles/a.json", f"{EMULATOR}/datafiles/a.json"),
        (
            "https://me:secret@config.optimizely.com/datafiles/auth/a.json",
            f"{EMULATOR}/datafiles/auth/a.json",
        ),
        ("https://api.optimizely.com", f"{EMULATOR}/"),
        ("https://cdn.optimizely.com/public/1/datafile_v4.json", f"{EMULATOR}/public/1/datafile_v4.json"),
        ("https://cdn.optimizely.com/public/1/s/dev_v3.json#x", f"{EMULATOR}/public/1/s/dev_v3.json"),
        ("https://files.example.org/datafile.json#dev", "https://files.example.org/datafile.json"),
        ("https://files.example.org/datafile.json", "https://files.example.org/datafile.json"),
        ("http://127.0.0.1:9000/a.json", "http://127.0.0.1:9000/a.json"),
        ("https://cdn.optimizely.com.evil.example/a.json", "https://cdn.optimizely.com.evil.example/a.json"),
    ],
)
def test_only_optimizelys_hosts_are_moved_to_the_emulator(real: str, local: str) -> None:
    assert local_url(real, EMULATOR) == local


def test_a_post_carries_segments_headers_and_javascripts_json(
    client: RequestClient, double: OptimizelyDouble
) -> None:
    answer = client.request(
        "POST",
        "https://logx.optimizely.com/v1/events",
        json={"a": 1.0, "b": "ü"},
        headers={"authorization": "Bearer t"},
    )
    assert answer.status == 204
    (received,) = double.received
    assert received.path == "/ns/blue/v1/events"
    assert received.body == '{"a":1,"b":"ü"}'.encode()
    assert received.headers["user-agent"] == "Segment (Actions)"
    assert received.headers["accept"] == "*/*"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["authorization"] == "Bearer t"
    (exchange,) = client.exchanges
    assert exchange.shown == {
        "attempt": 1,
        "to": "events",
        "method": "POST",
        "url": "https://logx.optimizely.com/v1/events",
        "sent_to": f"{double.url}/ns/blue/v1/events",
        "json": {"a": 1, "b": "ü"},
        "status": 204,
        "reason": "No Content",
        "response": "",
        "error": None,
        "at": NOON,
    }


def test_a_fragment_is_not_asked_for_and_stays_in_nodes_error(
    client: RequestClient, double: OptimizelyDouble
) -> None:
    client.request("GET", f"{double.url}/datafiles/a.json?x=1#dev")
    assert [one.path for one in double.received] == ["/datafiles/a.json?x=1"]
    assert (
        client.exchanges[0].shown["url"]
        == client.exchanges[0].shown["sent_to"]
        == f"{double.url}/datafiles/a.json?x=1"
    )
    with pytest.raises(FetchError, match=r"request to http://127\.0\.0\.1:1/a\.json#dev failed"):
        client.request("GET", "http://127.0.0.1:1/a.json#dev")


def test_a_long_answer_is_whole_for_the_destination_and_cut_in_the_record(
    client: RequestClient, double: OptimizelyDouble
) -> None:
    double.next("/datafiles/", Answer(body="x" * 5000, headers={"content-type": "text/plain"}))
    answer = client.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
    assert len(answer.text) == 5000
    assert len(client.exchanges[0].shown["response"]) == 4096
    assert answer.headers["content-type"] == "text/plain"


def test_connections_are_kept(client: RequestClient, double: OptimizelyDouble) -> None:
    for _ in range(3):
        client.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
    assert all(one.headers.get("connection") != "close" for one in double.received)


def test_an_answer_outside_2xx_is_an_answer(client: RequestClient, double: OptimizelyDouble) -> None:
    double.next("/datafiles/", Answer(304), Answer(500, "oops"))
    assert client.request("GET", "https://cdn.optimizely.com/datafiles/a.json").status == 304
    answer = client.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
    assert (answer.status, answer.reason, answer.text) == (500, "Internal Server Error", "oops")


class TestRedirects:
    def test_a_redirect_to_a_real_host_stays_at_home(
        self, client: RequestClient, double: OptimizelyDouble
    ) -> None:
        double.next(
            "/datafiles/", Answer(302, headers={"location": "https://cdn.optimizely.com/datafiles/b.json"})
        )
        answer = client.request("GET", f"{double.url}/datafiles/a.json")
        assert answer.status == 200
        assert [one.path for one in double.received] == ["/datafiles/a.json", "/ns/blue/datafiles/b.json"]

    def test_302_makes_a_post_a_get_and_307_does_not(
        self, client: RequestClient, double: OptimizelyDouble
    ) -> None:
        for status, expected in ((302, ("GET", b"")), (307, ("POST", b"{}"))):
            double.received.clear()
            double.next("/v1/events", Answer(status, headers={"location": "/v1/events"}))
            client.request("POST", "https://logx.optimizely.com/v1/events", json={})
            assert (double.received[1].method, double.received[1].body) == expected

    def test_a_loop_ends_after_twenty(self, client: RequestClient, double: OptimizelyDouble) -> None:
        double.usual["/datafiles/"] = Answer(302, headers={"location": "/datafiles/a.json"})
        with pytest.raises(FetchError) as caught:
            client.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
        expected = "maximum redirect reached at: https://cdn.optimizely.com/datafiles/a.json"
        assert (caught.value.message, caught.value.code) == (expected, None)
        assert len(double.received) == 21

    def test_a_token_does_not_follow_to_another_host(
        self, client: RequestClient, double: OptimizelyDouble
    ) -> None:
        double.next(
            "/v2/subject-access-requests", Answer(307, headers={"location": f"{double.url}/v1/events"})
        )
        client.request(
            "POST",
            "https://api.optimizely.com/v2/subject-access-requests",
            json={},
            headers={"authorization": "t"},
        )
        assert "authorization" in double.received[0].headers
        assert "authorization" not in double.received[1].headers

    def test_another_protocol_is_refused(self, client: RequestClient, double: OptimizelyDouble) -> None:
        double.next("/datafiles/", Answer(302, headers={"location": "ftp://example.org/a"}))
        with pytest.raises(JavaScriptTypeError, match=r"Only HTTP\(S\) protocols are supported"):
            client.request("GET", "https://cdn.optimizely.com/datafiles/a.json")


@pytest.mark.parametrize(
    ("broken", "code", "reason"),
    [
        ("hang_up", "ECONNRESET", "request to {url} failed, reason: socket hang up"),
        ("reset", "ECONNRESET", "request to {url} failed, reason: read ECONNRESET"),
        (
            "garbage",
            "HPE_INVALID_CONSTANT",
            "request to {url} failed, reason: Parse Error: Expected HTTP/, RTSP/ or ICE/",
        ),
        ("truncate", "ECONNRESET", "Invalid response body while trying to fetch {url}: aborted"),
    ],
)
def test_broken_answers_have_nodes_texts(
    client: RequestClient, double: OptimizelyDouble, broken: str, code: str, reason: str
) -> None:
    url = "https://logx.optimizely.com/v1/events"
    double.next("/v1/events", Answer(broken=broken))
    with pytest.raises(FetchError) as caught:
        client.request("POST", url, json={})
    assert (caught.value.code, caught.value.message) == (code, reason.format(url=url))
    (exchange,) = client.exchanges
    assert (exchange.shown["status"], exchange.shown["error"]) == (None, caught.value.message)


def test_nobody_listening(clock: ManualClock, session: HttpSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        client = RequestClient(session, f"http://127.0.0.1:{port}", clock)
        with pytest.raises(FetchError) as caught:
            client.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
    why = f"request to https://cdn.optimizely.com/datafiles/a.json failed, reason: connect ECONNREFUSED 127.0.0.1:{port}"
    assert (caught.value.code, caught.value.message) == ("ECONNREFUSED", why)


def test_a_host_that_does_not_exist(client: RequestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(FetchError) as caught:
        client.request("GET", "http://nowhere.invalid/a.json")
    assert caught.value.code == "ENOTFOUND"
    why = "request to http://nowhere.invalid/a.json failed, reason: getaddrinfo ENOTFOUND nowhere.invalid"
    assert caught.value.message == why


def test_no_answer_in_time(double: OptimizelyDouble, clock: ManualClock, session: HttpSession) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.json"
        client = RequestClient(session, double.url, clock, timeout_s=0.05)
        with pytest.raises(RequestTimedOut) as caught:
            client.request("GET", url)
    assert (caught.value.name, caught.value.message) == ("TimeoutError", "Request timed out after 50ms")


def test_a_proxy_of_the_environment_stays_out_of_loopback(
    client: RequestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert client.request("GET", "https://cdn.optimizely.com/datafiles/a.json").status == 200


class TestBothWays:
    """Plain HTTP goes over connections of our own, whatever else through `requests`: nobody can tell which."""

    @pytest.fixture(params=["127.0.0.1", "LOCALHOST"], ids=["direct", "through requests"])
    def either(
        self,
        request: pytest.FixtureRequest,
        double: OptimizelyDouble,
        clock: ManualClock,
        session: HttpSession,
    ) -> RequestClient:
        return RequestClient(session, double.url.replace("127.0.0.1", request.param), clock, timeout_s=5)

    def test_the_same_request_arrives(self, either: RequestClient, double: OptimizelyDouble) -> None:
        either.request("POST", "https://logx.optimizely.com/v1/events?a=b", json={"b": "ü"})
        (received,) = double.received
        headers = {name: value for name, value in received.headers.items() if name != "host"}
        assert (received.method, received.path) == ("POST", "/v1/events?a=b")
        assert received.body == '{"b":"ü"}'.encode()
        assert headers == {
            "accept": "*/*",
            "accept-encoding": "gzip,deflate",
            "user-agent": "Segment (Actions)",
            "content-type": "application/json",
            "content-length": "10",
        }

    def test_a_packed_answer_is_unpacked(self, either: RequestClient, double: OptimizelyDouble) -> None:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        double.next("/datafiles/", Answer(200, gzip.compress(b'{"a": 1}'), headers))
        assert either.request("GET", "https://cdn.optimizely.com/datafiles/a.json").data == {"a": 1}
        double.next("/datafiles/", Answer(200, "no gzip at all", headers))
        with pytest.raises(FetchError) as caught:
            either.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
        assert (caught.value.code, caught.value.message.rsplit(": ", 1)[1]) == (
            "Z_DATA_ERROR",
            "incorrect header check",
        )

    def test_a_header_that_comes_twice_is_one_list(
        self, either: RequestClient, double: OptimizelyDouble
    ) -> None:
        double.next("/datafiles/", Answer(200, "{}", {"Content-Type": "text/plain", "content-type": "a/b"}))
        answer = either.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
        assert answer.headers["content-type"] == "text/plain, a/b"

    def test_a_cookie_is_not_sent_back(self, either: RequestClient, double: OptimizelyDouble) -> None:
        double.next("/datafiles/", Answer(200, "{}", {"set-cookie": "a=b; Path=/"}))
        for _ in range(2):
            either.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
        assert "cookie" not in double.received[1].headers

    @pytest.mark.parametrize(
        ("broken", "code"),
        [
            ("hang_up", "ECONNRESET"),
            ("reset", "ECONNRESET"),
            ("garbage", "HPE_INVALID_CONSTANT"),
            ("truncate", "ECONNRESET"),
        ],
    )
    def test_after_a_broken_answer_the_next_one_is_whole(
        self, either: RequestClient, double: OptimizelyDouble, broken: str, code: str
    ) -> None:
        double.next("/datafiles/", Answer(broken=broken))
        with pytest.raises(FetchError) as caught:
            either.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
        assert caught.value.code == code
        answer = either.request("GET", "https://cdn.optimizely.com/datafiles/a.json")
        assert (answer.status, answer.data["revision"]) == (200, "7")

    def test_no_answer_in_time_and_the_late_one_is_nobody_elses(
        self, either: RequestClient, double: OptimizelyDouble
    ) -> None:
        gate = double.gates["/v1/events"] = threading.Event()
        either.timeout_s = 0.05
        with pytest.raises(RequestTimedOut):
            either.request("POST", "https://logx.optimizely.com/v1/events", json={})
        gate.set()
        either.timeout_s = 5
        assert either.request("GET", "https://cdn.optimizely.com/datafiles/a.json").status == 200
