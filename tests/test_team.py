"""Two emulators and two forwarders over one PostgreSQL, under load, while each of the five is killed in turn."""

import itertools
import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import requests
from postgresql_server import PostgresqlServer

SHOP = Path(__file__).parents[1] / "scenarios/suite/datafiles/shop.json"
ORDER = next(
    event["id"] for event in json.loads(SHOP.read_text())["events"] if event["key"] == "Order Completed"
)
PATIENCE_S = 60
"""How long a client goes on trying: none needs as long unless something is lost."""


class Server:
    """One process, which can be killed and started again at the same address."""

    def __init__(self, module: str, *options: str) -> None:
        self._command, self._port = [sys.executable, "-m", module, *options], "0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [*self._command, "--port", self._port],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[1]
        self._port = self.url.rpartition(":")[2]

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self._process.send_signal(number)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Source:
    """A client that sends one event after the other, each until it is acknowledged, to one server or the other."""

    def __init__(self, name: str, addresses: list[str]) -> None:
        self.name, self._addresses = name, itertools.cycle(addresses)
        self.acknowledged: list[str] = []
        self.lost: str | None = None
        self.enough, self._news = threading.Event(), threading.Condition()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def request(self, user: str, message_id: str) -> tuple[str, dict[str, Any]]:
        event = {"userId": user, "messageId": message_id, "event": "Order Completed", "type": "track"}
        return "/v1/track", {**event, "properties": {"revenue": 100}}

    def _run(self) -> None:
        with requests.Session() as session:
            for number in itertools.count():
                message_id = f"{self.name}-{number}"
                path, body = self.request(f"u-{number % 7}", message_id)
                for _ in range(PATIENCE_S * 100):
                    try:
                        answer = session.post(
                            next(self._addresses) + path, json=body, auth=("k", ""), timeout=20
                        )
                    except requests.RequestException:
                        self.enough.wait(0.01)
                        continue
                    if answer.ok:
                        break
                    self.enough.wait(0.01)
                else:
                    self.lost = message_id
                    return
                with self._news:
                    self.acknowledged.append(message_id)
                    self._news.notify_all()
                # Leaves some of the processors to those that start.
                if self.enough.wait(0.02):
                    return

    def more(self, count: int) -> None:
        """Return when so many more are acknowledged."""
        with self._news:
            goal = len(self.acknowledged) + count
            assert self._news.wait_for(lambda: len(self.acknowledged) >= goal, PATIENCE_S), self.name

    def end(self) -> list[str]:
        self.enough.set()
        self._thread.join()
        assert self.lost is None
        return self.acknowledged


class Sdk(Source):
    """The same as an SDK of Optimizely's sends it."""

    def request(self, user: str, message_id: str) -> tuple[str, dict[str, Any]]:
        event = {
            "entity_id": ORDER,
            "key": "Order Completed",
            "uuid": message_id,
            "timestamp": 1768478400000,
        }
        visitor = {"visitor_id": user, "attributes": [], "snapshots": [{"decisions": [], "events": [event]}]}
        return "/v1/events", {
            "account_id": "12001",
            "client_name": "test",
            "client_version": "1",
            "anonymize_ip": True,
            "enrich_decisions": True,
            "visitors": [visitor],
        }


def listed(surface: str, what: str, number: str = "number") -> list[dict[str, Any]]:
    """All rows of a listing."""
    rows: list[dict[str, Any]] = []
    while True:
        after = rows[-1][number] if rows else 0
        page = requests.get(f"{surface}/{what}", params={"after": after, "limit": 1000}, timeout=60)
        assert page.ok, page.text
        if not page.json()[what]:
            return rows
        rows += page.json()[what]


def test_nothing_acknowledged_is_lost_or_counted_twice_whoever_dies(postgresql: PostgresqlServer) -> None:
    journal, spool = postgresql.url("team_journal"), postgresql.url("team_spool")
    emulators = [Server("optilocal.emulator", "--journal", journal) for _ in range(2)]
    forwarders = [
        Server(
            "optilocal.forwarder",
            *("--spool", spool, "--optimizely", emulator.url, "--retry-base", "0.02"),
            *("--datafile-url", "https://cdn.optimizely.com/datafiles/shop.json"),
        )
        for emulator in emulators
    ]
    put = requests.put(
        f"{emulators[0].url}/_emulator/datafiles/shop", json=json.loads(SHOP.read_text()), timeout=20
    )
    assert put.ok, put.text
    sources = [Source(f"segment-{turn}", [each.url for each in forwarders[::turn]]) for turn in (1, -1)]
    sources += [Sdk(f"sdk-{turn}", [each.url for each in emulators[::turn]]) for turn in (1, -1)]
    servers = [*emulators, *forwarders]
    try:
        # One of each at a time, and then the database under all of them.
        for killed in ((emulators[0], forwarders[1]), (emulators[1], forwarders[0]), (postgresql,)):
            for source in sources:
                source.more(2)
            for one in killed:
                one.kill()
            # The others go on, unless it was the database.
            if postgresql not in killed:
                for source in sources:
                    source.more(2)
            starting = [threading.Thread(target=one.start) for one in killed]
            for start in starting:
                start.start()
            for start in starting:
                start.join()
        for source in sources:
            source.more(2)
        sent = [source.end() for source in sources]
        assert all(sent)
        acknowledged = {message_id for each in sent for message_id in each}
        taken = listed(f"{forwarders[0].url}/_forwarder", "deliveries", "row")
        ended = {"state": "ended", "count": len(taken), "wait": PATIENCE_S, "limit": 1}
        answer = requests.get(f"{forwarders[1].url}/_forwarder/deliveries", params=ended, timeout=90)
        assert answer.ok and not [row for row in answer.json()["deliveries"] if row["state"] == "pending"]
        # Every one is there exactly once, and has one verdict that is none of a repetition.
        for emulator in emulators:
            events = [
                row for row in listed(f"{emulator.url}/_emulator", "events") if row["duplicate_of"] is None
            ]
            assert Counter(row["uuid"] for row in events) == dict.fromkeys(acknowledged, 1)
            verdicts = [
                row
                for row in listed(f"{emulator.url}/_emulator", "verdicts")
                if row["outcome"] != "duplicate"
            ]
            found = Counter(row["uuid"] or row["message_id"] for row in verdicts)
            assert found == dict.fromkeys(acknowledged, 1)
            assert {row["outcome"] for row in verdicts} == {"user_not_activated"}
    finally:
        for source in sources:
            source.enough.set()
        for server in servers:
            server.kill(signal.SIGTERM)
