"""Every route of both servers that is not open to all pages, out of their URL maps: no foreign page gets anything done there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from flask import Flask

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
# What imitates a service that every page may use in real life, and what has a token and no CORS there.
OPEN = {"event_api", "datafile_cdn", "predictions", "source_api", "analytics_js"}
NAMED = {"privacy_api", "results_api"}


@dataclass(frozen=True)
class Route:
    """One method of one route, with something in the place of what varies."""

    server: str
    method: str
    path: str
    surface: str

    def call(self, address: str, **headers: str) -> requests.Response:
        return requests.request(self.method, address + self.path, headers=headers, timeout=20)


@dataclass(frozen=True)
class Running:
    """Both servers' addresses and the apps behind them."""

    addresses: dict[str, str]
    apps: dict[str, Flask]

    def routes(self) -> Iterator[Route]:
        for server, app in self.apps.items():
            for rule in app.url_map.iter_rules():
                surface = rule.endpoint.split(".")[0]
                for method in sorted(rule.methods or ()):
                    yield Route(server, method, re.sub(r"<[^>]+>", "x", rule.rule), surface)

    def guarded(self) -> list[Route]:
        own = [each for each in self.routes() if each.surface not in OPEN | NAMED]
        return [each for each in own if each.method in CHANGING]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with EmulatorServer(Settings(port=0)) as emulator:
        settings = ServerSettings(port=0, optimizely=emulator.base_url)
        with ForwarderServer(settings) as forwarder:
            yield Running(
                {"emulator": emulator.base_url, "forwarder": forwarder.base_url},
                {"emulator": emulator.app, "forwarder": forwarder.app},
            )


def port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def test_both_servers_have_routes_that_change_something(running: Running) -> None:
    found = {(each.server, each.method, each.path) for each in running.guarded()}
    for known in (
        ("emulator", "POST", "/_emulator/reset"),
        ("emulator", "PUT", "/_emulator/datafiles/x"),
        ("emulator", "DELETE", "/_emulator/faults"),
        ("forwarder", "POST", "/regulations"),
        ("forwarder", "PUT", "/_forwarder/settings"),
        ("forwarder", "POST", "/_forwarder/test-authentication"),
    ):
        assert known in found


def foreign(address: str) -> list[dict[str, str]]:
    """What browsers send for pages of other origins: another port, other names of this machine, other sites, a sandbox."""
    other = port(address) % 65_535 + 1
    origins = (
        f"http://localhost:{other}",
        f"http://127.0.0.1:{other}",
        f"http://localhost:{port(address)}",
        f"http://evil.localhost:{port(address)}",
        "https://evil.example",
        "null",
    )
    sites = [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")]
    links = [{**site, "Sec-Fetch-Mode": "navigate"} for site in sites]
    return [{"Origin": origin} for origin in origins] + sites + links


@pytest.mark.parametrize("prefix", ["", "/ns/guarded"])
def test_no_foreign_page_changes_anything(running: Running, prefix: str) -> None:
    for route in running.guarded():
        address = running.addresses[route.server] + prefix
        for headers in foreign(running.addresses[route.server]):
            answer = route.call(address, **headers)
            told = (route, headers, answer.status_code, answer.text[:200])
            assert answer.status_code == 403, told
            assert answer.json()["error"]["code"] == "foreign_origin", told
        for host in ("evil.example", "localhost.evil.example", "8.8.8.8"):
            answer = route.call(address, Host=host)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_host"), (
                route,
                host,
            )


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "Multipart/Form-Data"],
)
def test_what_any_page_can_post_without_asking_first_changes_nothing(running: Running, kind: str) -> None:
    posts = [each for each in running.guarded() if each.method == "POST"]
    assert posts
    for route in posts:
        answer = route.call(running.addresses[route.server], **{"Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "simple_request"), route


def test_programs_and_pages_of_the_servers_own_origin_are_let_in(running: Running) -> None:
    for route in running.guarded():
        address = running.addresses[route.server]
        own = {"Origin": address, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        if route.server == "emulator":
            own["X-Optilocal-Token"] = requests.get(f"{address}/_emulator/viewer", timeout=20).json()["token"]
        for headers in ({}, own):
            assert route.call(f"{address}/ns/let-in", **headers).status_code not in (403, 415), route


def test_a_page_of_the_emulators_own_origin_changes_nothing_without_the_token(running: Running) -> None:
    address = running.addresses["emulator"]
    own = {"Origin": address, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    for route in running.guarded():
        for token in ({}, {"X-Optilocal-Token": "guessed"}):
            if route.server == "emulator":
                answer = route.call(f"{address}/ns/let-in", **own, **token)
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "page_token"), route


def test_foreign_names_reach_nothing_that_imitates_the_rest_api(running: Running) -> None:
    named = [each for each in running.routes() if each.surface in NAMED]
    assert named
    for route in named:
        assert route.call(running.addresses[route.server], Host="evil.example").status_code == 403, route


def test_every_answer_keeps_browsers_from_guessing_and_from_embedding(running: Running) -> None:
    for route in running.routes():
        address = running.addresses[route.server]
        for headers in ({}, {"Host": "evil.example"}):
            answer = route.call(f"{address}/ns/looked-at", **headers)
            policy = "cross-origin" if route.surface in OPEN else "same-origin"
            assert answer.headers["X-Content-Type-Options"] == "nosniff", route
            assert answer.headers["Cross-Origin-Resource-Policy"] == policy, (route, answer.status_code)
    for server, address in running.addresses.items():
        for path in ("/none", "/ns/a%20b/x"):
            answer = requests.get(address + path, timeout=20)
            assert answer.status_code in (400, 404)
            assert answer.headers["X-Content-Type-Options"] == "nosniff", server
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", server


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "a b", "", "x" * 65, "%C3%A4"])
def test_both_refuse_a_name_that_no_namespace_can_have(running: Running, name: str) -> None:
    said = []
    for server, address in running.addresses.items():
        prepared = requests.Request("GET", f"{address}/").prepare()
        prepared.url = f"{address}/ns/{name.replace(' ', '%20')}/_{server}/health"
        with requests.Session() as session:
            answer = session.send(prepared, timeout=20)
        assert answer.status_code == 400
        said.append(answer.json())
    assert said[0] == said[1]
    assert said[0]["error"]["code"] == "invalid_namespace"


def test_a_datafile_of_any_type_runs_nothing_in_a_browser(running: Running) -> None:
    address = running.addresses["emulator"]
    page = "<script>fetch('/_emulator/reset', {method: 'POST'})</script>"
    put = f"{address}/_emulator/datafiles/page?raw=1&content_type=text/html"
    assert requests.put(put, data=page, timeout=20).status_code == 201
    served = requests.get(f"{address}/datafiles/page.json", timeout=20)
    assert served.text == page
    assert "sandbox" in served.headers["Content-Security-Policy"]
    assert "script-src" not in served.headers["Content-Security-Policy"]


def test_asking_makes_no_namespace_and_an_emptied_one_is_forgotten(running: Running) -> None:
    emulator, forwarder = running.addresses["emulator"], running.addresses["forwarder"]

    def names() -> set[str]:
        listed = requests.get(f"{emulator}/_emulator/namespaces", timeout=20).json()["namespaces"]
        return {row["name"] for row in listed}

    before = names()
    for path in ("datafiles/x.json", "v1/events", "_emulator/clock", "v2/subject-access-requests"):
        requests.get(f"{emulator}/ns/asked/{path}", timeout=20)
    requests.get(f"{forwarder}/ns/asked/_forwarder/event-keys", timeout=20)
    assert names() == before
    requests.put(f"{emulator}/ns/made/_emulator/datafiles/x?raw=1", data="{}", timeout=20)
    assert names() == before | {"made"}
    requests.post(f"{emulator}/ns/made/_emulator/reset", timeout=20)
    assert names() == before | {"made"}, "its datafile is still there"
    requests.post(f"{emulator}/ns/made/_emulator/reset", json={"datafiles": True}, timeout=20)
    assert names() == before


def test_pages_cannot_fill_up_the_namespaces() -> None:
    with EmulatorServer(Settings(port=0, max_namespaces=4)) as emulator:

        def first_event(name: str, **headers: str) -> int:
            url = f"{emulator.base_url}/ns/{name}/v1/events"
            return requests.post(url, data=b"{}", headers=headers, timeout=20).status_code

        page = {"Origin": "https://evil.example"}
        assert [first_event(f"page-{number}", **page) for number in range(4)] == [204, 204, 429, 429]
        assert first_event("page-0", **page) == 204
        assert [first_event(f"own-{number}") for number in range(3)] == [204, 204, 429]
