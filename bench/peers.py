"""The mock servers that people would pick instead: how each is started with recording on, and how it is asked."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import packages
from bench.client import Client
from bench.machine import version_of
from bench.process import CannotMeasure, Running, free_port, started

_EVENTS = "/v1/events"
# Mockoon shows its log to those only who know a token that was set at its start; the others take no notice of one.
_TOKEN = "bench"
Look = Callable[[Client, str], int]
"""How many of the recorded requests a question finds."""


@dataclass(frozen=True)
class Peer:
    """One mock server. `command` gives the line that starts it on a port, with what it needs in a folder; `by_visitor` and
    `last` are its own look-ups, or None; `control` is the port its look-ups go to, by the port it serves."""

    name: str
    version: Callable[[], str]
    note: str
    command: Callable[[int, Path], Sequence[str]]
    by_visitor: Look | None = None
    last: Look | None = None
    control: Callable[[int], int] = lambda port: port

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """The peer, from its start until it has answered a `POST /v1/events` to the end of the block.

        Raises CannotMeasure where it cannot be had.
        """
        port = free_port()
        command = self.command(port, folder)
        with started(command, f"http://127.0.0.1:{port}", (("POST", _EVENTS),)) as found:
            yield found

    def asked(self, running: Running) -> Client:
        """A client of its look-ups."""
        port = int(running.url.rsplit(":", 1)[1])
        return Client(f"http://127.0.0.1:{self.control(port)}", token=_TOKEN)


def _wiremock(*more: str) -> Callable[[int, Path], Sequence[str]]:
    def command(port: int, folder: Path) -> Sequence[str]:
        java = packages.java()
        packages.node()
        jars = sorted((packages.MODULES / "wiremock" / "build").glob("*.jar"))
        if not jars:
            raise CannotMeasure("the npm package wiremock has no jar")
        stub = {"request": {"method": "POST", "url": _EVENTS}, "response": {"status": 204}}
        (folder / "mappings").mkdir(exist_ok=True)
        (folder / "mappings" / "events.json").write_text(json.dumps(stub), encoding="utf-8")
        address = ["--port", str(port), "--bind-address", "127.0.0.1", "--root-dir", str(folder)]
        return [java, "-jar", str(jars[-1]), *address, "--disable-banner", *more]

    return command


def _wiremock_visitor(client: Client, visitor: str) -> int:
    # The cheapest of its matchers that finds the visitor: no JSON is parsed for it.
    wanted = {"method": "POST", "url": _EVENTS, "bodyPatterns": [{"contains": f'"visitor_id":"{visitor}"'}]}
    return len(client.json("POST", "/__admin/requests/find", wanted)["requests"])


def _wiremock_last(client: Client, _: str) -> int:
    return len(client.json("GET", "/__admin/requests?limit=50")["requests"])


def _mountebank(port: int, folder: Path) -> Sequence[str]:
    node = packages.node()
    response = {"is": {"statusCode": 204}}
    predicate = {"equals": {"method": "POST", "path": _EVENTS}}
    imposter = {
        "port": port,
        "protocol": "http",
        "recordRequests": True,
        "stubs": [{"predicates": [predicate], "responses": [response]}],
    }
    settings = folder / "imposters.json"
    settings.write_text(json.dumps({"imposters": [imposter]}), encoding="utf-8")
    program = packages.MODULES / "@mbtest" / "mountebank" / "bin" / "mb"
    # Its own port beside the imposter's; nothing is written to a log.
    control = _mountebank_ports[port] = free_port()
    own = ["--port", str(control), "--localOnly", "--nologfile", "--loglevel", "error"]
    return [
        node,
        str(program),
        "start",
        *own,
        "--pidfile",
        str(folder / "mb.pid"),
        "--configfile",
        str(settings),
    ]


_mountebank_ports: dict[int, int] = {}


def _mountebank_visitor(client: Client, visitor: str) -> int:
    return sum(f'"visitor_id":"{visitor}"' in one["body"] for one in _mountebank_all(client))


def _mountebank_last(client: Client, _: str) -> int:
    return len(_mountebank_all(client)[-50:])


def _mountebank_all(client: Client) -> list[dict[str, str]]:
    # It has no search: whoever looks for one request fetches all of its imposter.
    (only,) = client.json("GET", "/imposters?replayable=false")["imposters"]
    return list(client.json("GET", f"/imposters/{only['port']}")["requests"])


def _mockoon(keeps: int) -> Callable[[int, Path], Sequence[str]]:
    def command(port: int, folder: Path) -> Sequence[str]:
        node = packages.node()
        answer = {"uuid": "b1", "body": "", "statusCode": 204, "headers": [], "default": True}
        answer |= {"latency": 0, "bodyType": "INLINE", "rules": [], "rulesOperator": "OR"}
        route = {
            "uuid": "c1",
            "type": "http",
            "method": "post",
            "endpoint": "v1/events",
            "responses": [answer],
        }
        environment = {
            "uuid": "a1",
            "name": "bench",
            "port": port,
            "hostname": "127.0.0.1",
            "routes": [route],
            "rootChildren": [{"type": "route", "uuid": "c1"}],
        }
        data = folder / "mockoon.json"
        data.write_text(json.dumps(environment), encoding="utf-8")
        program = packages.MODULES / "@mockoon" / "cli" / "bin" / "run.js"
        own = ["--data", str(data), "--repair", "--disable-log-to-file", "--max-transaction-logs", str(keeps)]
        own += ["--admin-api-token", _TOKEN]
        return [node, str(program), "start", *own]

    return command


def _mockoon_visitor(client: Client, visitor: str) -> int:
    # Its filter knows paths and statuses, no bodies: whoever looks for one request fetches the log, page by page.
    found, page = 0, 1
    while rows := client.json("GET", f"/mockoon-admin/logs?page={page}&limit=1000"):
        found += sum(f'"visitor_id":"{visitor}"' in (one["request"].get("body") or "") for one in rows)
        page += 1
    return found


def _mockoon_last(client: Client, _: str) -> int:
    return len(client.json("GET", "/mockoon-admin/logs?page=1&limit=50"))


def _httpserver(port: int, _: Path) -> Sequence[str]:
    if version_of("pytest-httpserver") is None:
        raise CannotMeasure("the Python package pytest-httpserver is not installed")
    return [sys.executable, "-m", "bench.httpserver", str(port)]


def _npm(package: str) -> Callable[[], str]:
    return lambda: packages.version(package)


WIREMOCK = Peer(
    "WireMock",
    _npm("wiremock"),
    "journal in memory, everything else as it comes",
    _wiremock(),
    _wiremock_visitor,
    _wiremock_last,
)
QUIET_WIREMOCK = Peer(
    "WireMock, request logging off",
    _npm("wiremock"),
    "journal in memory, --disable-request-logging",
    _wiremock("--disable-request-logging"),
    _wiremock_visitor,
    _wiremock_last,
)
MOUNTEBANK = Peer(
    "mountebank",
    _npm("@mbtest/mountebank"),
    "recordRequests, no log",
    _mountebank,
    _mountebank_visitor,
    _mountebank_last,
    lambda port: _mountebank_ports[port],
)
MOCKOON = Peer(
    "Mockoon CLI",
    _npm("@mockoon/cli"),
    "keeps a million requests instead of 100, no log file",
    _mockoon(1_000_000),
    _mockoon_visitor,
    _mockoon_last,
)
HTTPSERVER = Peer(
    "pytest-httpserver",
    lambda: version_of("pytest-httpserver") or "none",
    "keeps a Python list in the test's own process",
    _httpserver,
)
PEERS = (WIREMOCK, QUIET_WIREMOCK, MOUNTEBANK, MOCKOON, HTTPSERVER)
