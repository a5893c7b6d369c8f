"""Safe on a developer's machine: foreign hosts and pages stay out, paths stay inside, limits hold."""

import sys

import pytest
import requests
from field_builders import batch, purchase
from space import Space
from werkzeug.datastructures import Headers

from optilocal.emulator.control.viewer import static_folder
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.serving.guard import Guard, Surface
from optilocal.serving.problems import Problem

OURS = ["/", "/static/viewer.css", "/_emulator/health", "/_emulator/events", "/ns/a/_emulator/exchanges"]


@pytest.mark.parametrize("path", OURS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8410", "127.0.0.1.evil.example", "", "localhost.evil.example"]
)
def test_a_foreign_host_is_refused(server: EmulatorServer, path: str, host: str) -> None:
    answer = requests.get(server.base_url + path, headers={"Host": host}, timeout=10)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "foreign_host"


@pytest.mark.parametrize("path", OURS)
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1"]
)
def test_a_page_of_another_origin_is_refused(server: EmulatorServer, path: str, origin: str) -> None:
    answer = requests.get(server.base_url + path, headers={"Origin": origin}, timeout=10)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "foreign_origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_foreign_page_cannot_reset(space: Space) -> None:
    space.send(batch(purchase()))
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        assert space.call("POST", "/_emulator/reset", headers=headers).status_code == 403
    assert space.rows("events")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_foreign_page_cannot_embed_but_a_link_may_lead_to_the_viewer(
    server: EmulatorServer, site: str
) -> None:
    embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert (
        requests.get(f"{server.base_url}/_emulator/events", headers=embedded, timeout=10).status_code == 403
    )
    assert (
        requests.get(f"{server.base_url}/static/viewer.css", headers=embedded, timeout=10).status_code == 403
    )
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert requests.get(f"{server.base_url}/", headers=link, timeout=10).status_code == 200
    assert requests.get(f"{server.base_url}/_emulator/events", headers=link, timeout=10).status_code == 403


def test_the_viewers_own_page_gets_in(server: EmulatorServer) -> None:
    for host in (f"127.0.0.1:{server.port}", f"localhost:{server.port}"):
        headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        answer = requests.get(f"{server.base_url}/_emulator/health", headers=headers, timeout=10)
        assert answer.status_code == 200


def test_the_imitated_surface_is_open_as_the_real_one_is(space: Space) -> None:
    headers = {
        "Host": "logx.optimizely.com",
        "Origin": "https://shop.example",
        "Sec-Fetch-Site": "cross-site",
    }
    answer = space.send(batch(purchase()), headers=headers)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (
        204,
        "https://shop.example",
    )
    space.put_datafile()
    assert (
        space.get("/datafiles/sdk-1.json", headers={**headers, "Host": "cdn.optimizely.com"}).status_code
        == 200
    )
    listed = space.get(
        "/v2/subject-access-requests", headers={"Authorization": "Bearer x", "Origin": "https://a.b"}
    )
    assert "Access-Control-Allow-Origin" not in listed.headers


@pytest.mark.parametrize(
    ("host", "bound_to", "allowed", "fine"),
    [
        ("localhost", "127.0.0.1", (), True),
        ("LOCALHOST:1", "127.0.0.1", (), True),
        ("app.localhost:1", "127.0.0.1", (), True),
        ("[::1]:8410", "::1", (), True),
        ("127.8.8.8", "127.0.0.1", (), True),
        ("192.168.0.7:8410", "127.0.0.1", (), False),
        ("emulator:8410", "127.0.0.1", (), False),
        ("emulator:8410", "127.0.0.1", ("emulator",), True),
        ("sandbox.example.com", "0.0.0.0", (), False),
        ("sandbox.example.com:1", "0.0.0.0", ("sandbox.example.com",), True),
        ("emulator:8410", "0.0.0.0", (), True),
        ("192.168.0.7:8410", "0.0.0.0", (), True),
        ("", "0.0.0.0", (), False),
        ("[::1", "127.0.0.1", (), False),
        ("a b", "127.0.0.1", (), False),
    ],
)
def test_which_hosts_pass(host: str, bound_to: str, allowed: tuple[str, ...], fine: bool) -> None:
    guard, headers = Guard("emulator", bound_to, allowed), Headers({"Host": host})
    if fine:
        guard.check(Surface.OWN, "GET", headers)
    else:
        with pytest.raises(Problem) as caught:
            guard.check(Surface.OWN, "GET", headers)
        assert caught.value.code == "foreign_host"


def test_an_origin_is_compared_whole() -> None:
    guard, ours = Guard("emulator", "127.0.0.1"), {"Host": "localhost:8410"}
    guard.check(Surface.OWN, "GET", Headers({**ours, "Origin": "http://LOCALHOST:8410"}))
    for origin in ("http://localhost:8410.evil.example", "http://localhost", "localhost:8410", ""):
        with pytest.raises(Problem):
            guard.check(Surface.VIEWER, "GET", Headers({**ours, "Origin": origin}))


@pytest.mark.parametrize("path", ["/", "/static/viewer.css", "/_emulator/health", "/_emulator/none", "/none"])
def test_pages_carry_a_strict_policy(server: EmulatorServer, path: str) -> None:
    headers = requests.get(server.base_url + path, timeout=10).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pyproject.toml",
        "/static/..%2fpyproject.toml",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..%5cpyproject.toml",
        "/static/js/../../pyproject.toml",
        "/static/",
        "/static/.",
        "/static/viewer.css%00",
        "/ns/../static/../../etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_viewers_folder(server: EmulatorServer, path: str) -> None:
    import http.client  # noqa: PLC0415 - requests would clean the path

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    # Doubled slashes are led back to single ones on the same host, where there is nothing.
    assert 300 <= answer.status < 500
    assert b"root:" not in body
    assert b"[project]" not in body


def test_the_viewer_is_served(server: EmulatorServer) -> None:
    page = requests.get(f"{server.base_url}/", timeout=10)
    assert page.headers["Content-Type"].startswith("text/html")
    for file in static_folder().rglob("*"):
        if file.is_file():
            path = file.relative_to(static_folder()).as_posix()
            answer = requests.get(f"{server.base_url}/static/{path}", timeout=10)
            assert answer.content == file.read_bytes()
    again = requests.get(f"{server.base_url}/ns/some/", timeout=10)
    assert again.content == page.content


def test_large_headers_are_refused(space: Space) -> None:
    for path in ("/_emulator/health", "/v1/events"):
        answer = space.get(path, headers={"X-Large": "x" * 40_000})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert space.rows("exchanges") == []


def test_namespaces_are_limited() -> None:
    with EmulatorServer(Settings(port=0, max_namespaces=2)) as server, requests.Session() as session:
        spaces = [Space(server.base_url, name, session) for name in ("a", "b", "c")]
        statuses = [space.send(batch()).status_code for space in spaces]
        assert statuses == [204, 204, 429]
        assert spaces[2].put_datafile().json()["error"]["code"] == "too_many_namespaces"
        assert spaces[2].get("/datafiles/x.json").status_code == 403
        assert spaces[0].send(batch()).status_code == 204
        assert Space(server.base_url, None, session).send(batch()).status_code == 204
        assert spaces[2].rows("events") == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads what the system says of the socket")
def test_it_listens_on_this_machine_alone(server: EmulatorServer) -> None:
    assert Settings().host == "127.0.0.1"
    assert server._server is not None
    assert server._server.address[0] == "127.0.0.1"
