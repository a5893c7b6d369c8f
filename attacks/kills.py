"""Ten kills of each server under load: what was acknowledged is there afterwards, and once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from conftest import SHOP, Served, connect_to_shop, served

KILLS, SENDERS = 10, 4


def load(
    server: Served, make: Callable[[str], tuple[str, bytes]], done: list[str], name: str, enough: int
) -> None:
    """Post from several connections until so many more are acknowledged, then kill the server."""
    reached, wanted = threading.Event(), len(done) + enough

    def send(sender: int) -> None:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
            post_on(connection, sender)

    def post_on(connection: HTTPConnection, sender: int) -> None:
        number = 0
        while True:
            unique = f"{name}-{sender}-{number}"
            path, body = make(unique)
            try:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, HTTPException):
                return
            if answer.status in (200, 204):
                done.append(unique)
            if len(done) >= wanted:
                reached.set()
            number += 1

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    for sender in senders:
        sender.start()
    assert reached.wait(120)
    server.kill()
    for sender in senders:
        sender.join()


def rows(server: Served, path: str, name: str) -> list[dict[str, Any]]:
    """Every row of a listing."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = json.loads(server.ask("GET", f"{path}?limit=1000&after={after}")[1])
        found += page[name]
        if not page[name]:
            return found
        after = page["next"]


def batch(uuid: str) -> tuple[str, bytes]:
    event = {
        "entity_id": "1",
        "key": "Order Completed",
        "timestamp": 1768471202000,
        "uuid": uuid,
        "type": "custom",
    }
    visitor = {"visitor_id": uuid, "attributes": [], "snapshots": [{"decisions": [], "events": [event]}]}
    return "/v1/events", json.dumps({"account_id": "1", "visitors": [visitor]}).encode()


def test_ten_kills_of_the_emulator(tmp_path: Path, figure: Any) -> None:
    journal, acknowledged = tmp_path / "journal.sqlite", list[str]()
    for kill in range(KILLS):
        with served("emulator", "--journal", journal) as emulator:
            load(emulator, batch, acknowledged, str(kill), 1_000)
    with served("emulator", "--journal", journal) as emulator:
        kept = Counter(row["uuid"] for row in rows(emulator, "/_emulator/events", "events"))
    lost = len(set(acknowledged) - set(kept))
    doubled = sum(count > 1 for count in kept.values())
    assert (lost, doubled) == (0, 0)
    figure(
        "`kill -9` of the emulator under load, ten times",
        f"{len(acknowledged):,} acknowledged, 0 lost, 0 doubled",
    )


def track(message_id: str) -> tuple[str, bytes]:
    event = {"event": "Order Completed", "userId": message_id, "messageId": message_id, "writeKey": "k"}
    return "/v1/track", json.dumps(event).encode()


def test_ten_kills_of_the_forwarder(tmp_path: Path, figure: Any) -> None:
    spool, accepted = tmp_path / "spool", list[str]()
    with served("emulator", "--datafile", SHOP) as emulator:
        options = ("--optimizely", emulator.url, "--spool", spool)
        for kill in range(KILLS):
            with served("forwarder", *options) as forwarder:
                connect_to_shop(forwarder)
                load(forwarder, track, accepted, str(kill), 200)
        with served("forwarder", *options) as forwarder:
            for _ in range(600):
                if json.loads(forwarder.ask("GET", "/_forwarder/health")[1])["waiting"] == 0:
                    break
                threading.Event().wait(0.2)
            else:
                raise AssertionError("deliveries still wait after two minutes")
        reported = {row["message_id"] for row in rows(emulator, "/_emulator/verdicts", "verdicts")}
        sent = Counter(row["uuid"] for row in rows(emulator, "/_emulator/events", "events"))
    assert set(accepted) <= reported
    assert set(accepted) <= set(sent)
    twice = sum(count > 1 for count in sent.values())
    figure(
        "`kill -9` of the forwarder under load, ten times",
        f"{len(accepted):,} accepted, 0 lost, {twice} sent twice with the same uuid, which counts once",
    )
