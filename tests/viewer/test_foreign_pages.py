"""Three kinds of foreign pages in a real browser, and all they can send: nothing is changed and nothing is read."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from flask import Flask
from playwright.sync_api import Browser

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings

OPEN = (
    "event_api",
    "datafile_cdn",
    "predictions",
    "source_api",
    "analytics_js",
    "privacy_api",
    "results_api",
)
SUBJECT = '{"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["u-1"]}'

ATTACK = """
async ([urls, body]) => {
    const read = [];
    const tried = [];
    const send = async (url, options) => {
        tried.push(url);
        try {
            const answer = await fetch(url, options);
            if (answer.type !== "opaque") read.push([url, answer.status]);
        } catch { /* refused by the browser */ }
    };
    const submit = (url, enctype) => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.name = "frame" + Math.random();
        const form = document.createElement("form");
        Object.assign(form, {method: "POST", action: url, target: frame.name, enctype});
        const field = document.createElement("input");
        Object.assign(field, {name: body, value: ""});
        form.append(field);
        document.body.append(frame, form);
        const over = () => { frame.remove(); form.remove(); done(); };
        frame.onload = over;
        setTimeout(over, 3000);
        form.submit();
    });
    for (const [method, url] of urls) {
        const plain = {method: "POST", mode: "no-cors", body};
        await send(url, plain);
        await send(url, {...plain, body: undefined});
        await send(url, {...plain, credentials: "include", referrerPolicy: "no-referrer"});
        await send(url, {method, body, headers: {"Content-Type": "application/json"}});
        await send(url, {mode: "no-cors"});
        navigator.sendBeacon(url, new Blob([body], {type: "text/plain"}));
        for (const enctype of ["text/plain", "application/x-www-form-urlencoded"]) await submit(url, enctype);
    }
    return {read, tried: tried.length};
}
"""


class _Page(BaseHTTPRequestHandler):
    """A page with nothing on it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>foreign</title><body>")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of a web server that is not ours."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[EmulatorServer, ForwarderServer]]:
    with (
        EmulatorServer(Settings(port=0)) as emulator,
        ForwarderServer(ServerSettings(port=0, optimizely=emulator.base_url)) as forwarder,
    ):
        yield emulator, forwarder


def changing(app: Flask, address: str) -> list[tuple[str, str]]:
    """Method and URL of every route that changes something and is not open to all pages."""
    return [
        (method, address + re.sub(r"<[^>]+>", "x", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] not in OPEN
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"})
    ]


def state(emulator: str, forwarder: str) -> dict[str, Any]:
    """All that one of the routes could have changed."""
    asked = [
        *(f"{emulator}/_emulator/{name}?ns=*" for name in ("events", "exchanges", "verdicts", "runs")),
        *(f"{emulator}/_emulator/{name}" for name in ("namespaces", "datafiles", "faults")),
        *(f"{forwarder}/{name}" for name in ("regulations", "suppressions")),
        *(f"{forwarder}/_forwarder/{name}" for name in ("settings", "mappings", "deliveries", "suppressed")),
    ]
    return {url: requests.get(url, timeout=20).json() for url in asked}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "evil.localhost"])
def test_a_page_of_another_origin_changes_and_reads_nothing(
    browser: Browser, both: tuple[EmulatorServer, ForwarderServer], elsewhere: int, host: str
) -> None:
    emulator, forwarder = both
    event = {"account_id": "1", "visitors": [{"visitor_id": "u", "snapshots": []}]}
    requests.post(f"{emulator.base_url}/v1/events", json=event, timeout=20)
    urls = [*changing(emulator.app, emulator.base_url), *changing(forwarder.app, forwarder.base_url)]
    assert len(urls) > 20
    before = state(emulator.base_url, forwarder.base_url)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://{host}:{elsewhere}/")
        # Under the name of the page too: the same site, another origin.
        near = [(method, url.replace("127.0.0.1", host)) for method, url in urls]
        told = page.evaluate(ATTACK, [[*urls, *near] if host != "127.0.0.1" else urls, SUBJECT])
    finally:
        context.close()
    assert told["read"] == []
    assert told["tried"] >= 5 * len(urls)
    assert state(emulator.base_url, forwarder.base_url) == before


def test_the_same_requests_change_something_when_a_program_sends_them(
    both: tuple[EmulatorServer, ForwarderServer],
) -> None:
    _, forwarder = both
    json = {"Content-Type": "application/json"}
    answer = requests.post(f"{forwarder.base_url}/regulations", data=SUBJECT, headers=json, timeout=20)
    assert answer.status_code == 200
    assert requests.get(f"{forwarder.base_url}/_forwarder/suppressed", timeout=20).json()["suppressed"] == [
        "u-1"
    ]
