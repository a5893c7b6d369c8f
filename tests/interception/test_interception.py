"""The proxy on the wire: what is caught, tunnelled and refused, and clients that do not behave."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from catching import SDK_KEY, CatchingFactory, Caught

from optilocal.interception.hosts import HOSTS, Policy
from optilocal.interception.outer import OuterProxies
from optilocal.interception.trust import TrustFiles
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers

EVENTS = "https://logx.optimizely.com/v1/events"
DATAFILE = f"https://cdn.optimizely.com/datafiles/{SDK_KEY}.json"


def batch(visitor: str, size: int = 0) -> dict[str, Any]:
    """An event batch with one conversion, about `size` bytes long."""
    event = {"entity_id": "21200003", "key": "Order Completed", "timestamp": 1768471201000, "uuid": visitor}
    return {
        "account_id": "12001",
        "client_name": "x" * size,
        "client_version": "1",
        "visitors": [{"visitor_id": visitor, "snapshots": [{"decisions": [], "events": [event]}]}],
    }


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """`127.0.0.1:PORT` of a server that is nobody's sandbox; it answers with what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            said = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def connected(caught: Caught, target: str) -> tuple[socket.socket, bytes]:
    """A connection on which CONNECT was said, and what the proxy answered."""
    client = socket.create_connection(("127.0.0.1", caught.proxy.proxy_port), timeout=10)
    client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    return client, client.recv(65536)


def still_answers(caught: Caught, trust: TrustFiles) -> None:
    with caught.client(trust) as session:
        assert session.get(DATAFILE, timeout=10).status_code == 200


def test_each_host_leads_to_the_server_that_imitates_it(catching: CatchingFactory) -> None:
    caught = catching()
    track = {"writeKey": "k", "userId": "u-1", "event": "Order Completed"}
    asked = {
        "logx.optimizely.com": ("POST", "/v1/events", batch("v-1"), 204),
        "eu.logx.optimizely.com": ("POST", "/v1/events", batch("v-2"), 204),
        "cdn.optimizely.com": ("GET", f"/datafiles/{SDK_KEY}.json", None, 200),
        "config.optimizely.com": ("GET", "/datafiles/auth/nobody.json", None, 403),
        "api.optimizely.com": ("GET", "/v2/subject-access-requests", None, 200),
        "prediction.cmab.optimizely.com": ("POST", "/predict/1", {"instances": []}, None),
        "api.segment.io": ("POST", "/v1/track", track, 200),
        "events.eu1.segmentapis.com": ("POST", "/v1/track", track, 200),
        "cdn.segment.com": ("GET", "/v1/projects/any/settings", None, 200),
        "api.segmentapis.com": ("GET", "/regulations", None, 200),
    }
    assert set(asked) == set(HOSTS)
    for host, (method, path, body, status) in asked.items():
        headers = {"Authorization": "Bearer pat-1"} if host.startswith("api.opt") else {}
        answer = caught.session.request(
            method, f"https://{host}{path}", json=body, headers=headers, timeout=30
        )
        assert status is None or answer.status_code == status, (host, answer.text)
        assert answer.headers["Server"]
    assert dict(caught.proxy.tally.caught) == dict.fromkeys(HOSTS, 1)


def test_a_page_that_was_led_here_is_told_the_real_hosts(catching: CatchingFactory) -> None:
    caught = catching(namespace="page")
    settings = caught.session.get("https://cdn.segment.com/v1/projects/any/settings", timeout=10).json()
    sends = settings["integrations"]["Segment.io"]
    assert (sends["apiHost"], sends["protocol"]) == ("api.segment.io/v1", "https")


def test_nothing_of_our_own_is_reached_under_a_real_host(catching: CatchingFactory) -> None:
    caught = catching()
    for url in (
        "https://cdn.optimizely.com/_emulator/health",
        "https://cdn.optimizely.com/",
        "https://api.segment.io/_forwarder/health",
    ):
        assert caught.session.get(url, timeout=10).status_code == 403


def test_a_namespace_is_where_everything_goes(catching: CatchingFactory, servers: LocalServers) -> None:
    caught = catching(namespace="blue")
    caught.session.post(EVENTS, json=batch("v-blue"), timeout=10)
    blue = EmulatorClient(servers.emulator_url, "blue")
    (exchange,) = blue.exchanges(surface="events", wait=10, count=1)
    assert exchange["json"]["visitors"][0]["visitor_id"] == "v-blue"
    assert exchange["headers"]["Host"] == "logx.optimizely.com"


def test_large_bodies_gzip_chunks_and_continue_arrive_whole(
    catching: CatchingFactory, servers: LocalServers
) -> None:
    caught = catching(namespace="bodies")
    emulator = EmulatorClient(servers.emulator_url, "bodies")
    large = json.dumps(batch("v-large", 3_400_000)).encode()
    assert 3_400_000 < len(large) < 3_500_000
    packed = gzip.compress(json.dumps(batch("v-gzip")).encode())
    chunked = json.dumps(batch("v-chunked", 200_000)).encode()
    sent: list[tuple[Any, dict[str, str]]] = [
        (large, {"Expect": "100-continue"}),
        (packed, {"Content-Encoding": "gzip"}),
        ((chunked[at : at + 7_001] for at in range(0, len(chunked), 7_001)), {}),
    ]
    for body, headers in sent:
        answer = caught.session.post(
            EVENTS, data=body, headers={"Content-Type": "application/json", **headers}, timeout=60
        )
        assert answer.status_code == 204
    exchanges = emulator.exchanges(surface="events", wait=10, count=3)
    assert [row["json"]["visitors"][0]["visitor_id"] for row in exchanges] == [
        "v-large",
        "v-gzip",
        "v-chunked",
    ]
    assert len(exchanges[0]["json"]["client_name"]) == 3_400_000
    assert len(exchanges[2]["json"]["client_name"]) == 200_000


def test_one_connection_serves_many_requests_and_pipelined_ones(
    catching: CatchingFactory, trust: TrustFiles
) -> None:
    caught = catching()
    client, answer = connected(caught, "cdn.optimizely.com:443")
    assert answer.startswith(b"HTTP/1.1 200")
    context = ssl.create_default_context(cafile=str(trust.bundle))
    request = f"GET /datafiles/{SDK_KEY}.json HTTP/1.1\r\nHost: cdn.optimizely.com\r\n\r\n".encode()
    with context.wrap_socket(client, server_hostname="cdn.optimizely.com") as secured:
        secured.sendall(request * 3)
        reader = secured.makefile("rb")
        for _ in range(3):
            assert reader.readline().startswith(b"HTTP/1.1 200")
            headers = http.client.parse_headers(reader)
            json.loads(reader.read(int(headers["Content-Length"])))
    assert caught.proxy.tally.caught["cdn.optimizely.com"] == 3


def test_a_hundred_connections_at_once(
    catching: CatchingFactory, trust: TrustFiles, servers: LocalServers
) -> None:
    caught = catching(namespace="hundred")
    together = threading.Barrier(100)

    def post(number: int) -> int:
        with caught.client(trust) as session:
            assert (
                session.get("https://cdn.optimizely.com/datafiles/nobody.json", timeout=60).status_code == 403
            )
            together.wait(60)
            return session.post(EVENTS, json=batch(f"v-{number}"), timeout=60).status_code

    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(post, range(100))) == {204}
    emulator = EmulatorClient(servers.emulator_url, "hundred")
    visitors = {row["visitor_id"] for row in emulator.listing("events", wait=20, count=100)}
    assert visitors == {f"v-{number}" for number in range(100)}


def test_other_hosts_are_tunnelled_untouched(catching: CatchingFactory, elsewhere: str) -> None:
    caught = catching()
    client, answer = connected(caught, elsewhere)
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n"
    with client:
        client.sendall(
            b"GET /as-it-is HTTP/1.1\r\nHost: x\r\nProxy-Connection: kept\r\nConnection: close\r\n\r\n"
        )
        said = client.makefile("rb").read()
    found = json.loads(said.partition(b"\r\n\r\n")[2])
    assert found == {
        "path": "/as-it-is",
        "headers": {"Host": "x", "Proxy-Connection": "kept", "Connection": "close"},
    }
    assert dict(caught.proxy.tally.tunnelled) == {"127.0.0.1": 1}


def test_plain_http_is_caught_and_passed_on_too(catching: CatchingFactory, elsewhere: str) -> None:
    caught = catching()
    track = {"writeKey": "k", "userId": "u-1", "event": "Order Completed"}
    assert caught.session.post("http://api.segment.io/v1/track", json=track, timeout=10).json() == {
        "success": True
    }
    for _ in range(2):
        answer = caught.session.get(f"http://{elsewhere}/there?a=1", timeout=10)
        found = answer.json()
        # The server does not say so, and the next request would race with the end of the connection.
        assert answer.headers["Connection"] == "close"
        assert found["path"] == "/there?a=1"
        assert found["headers"]["Host"] == elsewhere
        assert "Proxy-Connection" not in found["headers"]
    assert (caught.proxy.tally.caught["api.segment.io"], caught.proxy.tally.tunnelled["127.0.0.1"]) == (1, 2)


def test_only_refuses_every_other_host_by_name(catching: CatchingFactory, elsewhere: str) -> None:
    caught = catching(Policy(only=True, allowed=("*.allowed.invalid",)))
    assert caught.session.get(DATAFILE, timeout=10).status_code == 200
    for name in ("example.com", "EXAMPLE.com.", "optimizely.com", "x.logx.optimizely.com", "93.184.215.14"):
        client, answer = connected(caught, f"{name}:443")
        client.close()
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n") and b"--only refuses other hosts" in answer
    refused = caught.session.get("http://example.org/", timeout=10)
    assert refused.status_code == 403 and "example.org is not served here" in refused.text
    assert caught.session.get(f"http://{elsewhere}/", timeout=10).status_code == 200, (
        "loopback leaves nothing"
    )
    client, answer = connected(caught, "some.allowed.invalid:443")
    client.close()
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert dict(caught.proxy.tally.refused) == {
        "example.com": 2, "optimizely.com": 1, "x.logx.optimizely.com": 1, "93.184.215.14": 1, "example.org": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT nowhere HTTP/1.1\r\n\r\n",
        b"CONNECT :443 HTTP/1.1\r\n\r\n",
        b"CONNECT logx.optimizely.com:443 HTTP/1.1\r\n\r\n\x16\x03\x01",
        b"GET http:///x HTTP/1.1\r\n\r\n",
        b"GET http://[x HTTP/1.1\r\n\r\n",
        b"POST http://logx.optimizely.com/v1/events HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_not_for_a_proxy_costs_its_own_connection(
    catching: CatchingFactory, trust: TrustFiles, said: bytes
) -> None:
    caught = catching()
    with socket.create_connection(("127.0.0.1", caught.proxy.proxy_port), timeout=10) as client:
        client.sendall(said)
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 400 Bad Request\r\n")
    still_answers(caught, trust)


def test_clients_that_hang_up_or_speak_no_tls_cost_their_own_connection(
    catching: CatchingFactory, trust: TrustFiles
) -> None:
    caught = catching()
    for said in (b"", b"no TLS at all\r\n\r\n", b"\x16\x03\x01\x00\x05hello"):
        client, answer = connected(caught, "logx.optimizely.com:443")
        assert answer.startswith(b"HTTP/1.1 200")
        client.sendall(said)
        client.close()
        with socket.create_connection(("127.0.0.1", caught.proxy.tls_port), timeout=10) as listener:
            listener.sendall(said)
    context = ssl.create_default_context(cafile=str(trust.bundle))
    client, _ = connected(caught, "logx.optimizely.com:443")
    with context.wrap_socket(client, server_hostname="logx.optimizely.com") as secured:
        secured.sendall(
            b"POST /v1/events HTTP/1.1\r\nHost: logx.optimizely.com\r\nContent-Length: 100\r\n\r\n{"
        )
    client, _ = connected(caught, "logx.optimizely.com:443")
    with context.wrap_socket(client, server_hostname="logx.optimizely.com") as secured:
        secured.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert secured.recv(65536).startswith(b"HTTP/1.1 400 ")
    still_answers(caught, trust)
    assert caught.proxy.tally.distrusted == {}


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_does_not_trust_us_is_counted(
    catching: CatchingFactory, trust: TrustFiles, most: ssl.TLSVersion
) -> None:
    caught = catching()
    context = ssl.create_default_context()
    context.maximum_version = most
    client, _ = connected(caught, "logx.optimizely.com:443")
    with pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(client, server_hostname="logx.optimizely.com")
    client.close()
    still_answers(caught, trust)
    assert dict(caught.proxy.tally.distrusted) == {"logx.optimizely.com": 1}


def test_the_listener_answers_by_the_name_in_the_greeting(
    catching: CatchingFactory, trust: TrustFiles
) -> None:
    caught = catching()
    context = ssl.create_default_context(cafile=str(trust.bundle))
    context.set_alpn_protocols(["h2", "http/1.1"])
    for name in HOSTS:
        with (
            socket.create_connection(("127.0.0.1", caught.proxy.tls_port), timeout=10) as client,
            context.wrap_socket(client, server_hostname=name) as secured,
        ):
            assert secured.selected_alpn_protocol() == "http/1.1"
            secured.sendall(f"GET /nothing HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert secured.recv(100).startswith(b"HTTP/1.1 4")
    for other in ("example.com", None):
        context.check_hostname = other is not None
        with (
            socket.create_connection(("127.0.0.1", caught.proxy.tls_port), timeout=10) as client,
            pytest.raises(OSError),
        ):
            context.wrap_socket(client, server_hostname=other)
    assert dict(caught.proxy.tally.refused) == {"example.com": 1, "a client that names no host": 1}


def test_a_server_that_is_down_is_told_to_the_client_alone(catching: CatchingFactory) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        caught = catching(emulator=address)
        answer = caught.session.post(EVENTS, json=batch("v-1"), timeout=10)
    assert answer.status_code == 502 and "cannot be reached: Connect" in answer.text
    track = {"writeKey": "k", "userId": "u-1", "event": "Order Completed"}
    assert caught.session.post("https://api.segment.io/v1/track", json=track, timeout=10).status_code == 200


def test_a_fault_breaks_the_connection_of_the_client_too(
    catching: CatchingFactory, servers: LocalServers
) -> None:
    caught = catching(namespace="faults")
    emulator = EmulatorClient(servers.emulator_url, "faults")
    for way in ("reset", "hang_up", "garbage"):
        emulator.add_faults([{"on": "events", "break": way, "times": 1}])
        with pytest.raises(requests.ConnectionError):
            caught.session.post(EVENTS, json=batch("v-1"), timeout=10)
        assert caught.session.post(EVENTS, json=batch("v-1"), timeout=10).status_code == 204


def test_tunnels_lead_through_the_proxy_that_this_machine_needs(
    catching: CatchingFactory, elsewhere: str
) -> None:
    outer = catching()
    environment = {
        "HTTPS_PROXY": outer.proxy.url,
        "http_proxy": outer.proxy.url,
        "NO_PROXY": "direct.invalid",
    }
    caught = catching(outer=OuterProxies.of(environment))
    client, answer = connected(caught, elsewhere)
    with client:
        assert answer.startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /through-both HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"/through-both" in client.makefile("rb").read()
    assert caught.session.get(f"http://{elsewhere}/plain", timeout=10).json()["path"] == "/plain"
    assert outer.proxy.tally.tunnelled["127.0.0.1"] == 2
    client, answer = connected(caught, "direct.invalid:443")
    client.close()
    assert answer.startswith(b"HTTP/1.1 502") and "direct.invalid" not in outer.proxy.tally.tunnelled
    assert caught.session.get(DATAFILE, timeout=10).status_code == 200
    assert outer.proxy.tally.caught == {}
