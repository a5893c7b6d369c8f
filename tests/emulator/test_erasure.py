"""Erasing a visitor by the bytes of the database: nothing of the visitor stays, nothing of anybody else goes."""

import gzip
import itertools
import json
import random
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests
from field_builders import activation, batch, purchase
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from space import Space

from optilocal.emulator.privacy.visitor_traces import Traces, is_telling
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

ODD = "aA1-_. %+/\\\"'<>&?=#[](){}*^$|üß漢😀\u00a0\n\ufffd,:;"
odd_ids = st.text(alphabet=ODD, min_size=1, max_size=12)
plain_ids = st.sampled_from(
    ["1", "a", "11", "gold", "1.2.3", "true", "12001", "user-1", "checkout", "Order Completed"]
)
ids = plain_ids | odd_ids | odd_ids.map(lambda text: f"visitor 4711 {text}")

Journal = tuple[EmulatorServer, Path]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    with EmulatorServer(Settings(port=0, journal=path)) as server:
        yield server, path


_numbers = itertools.count(1)


def fresh(kept: Journal, session: requests.Session) -> Space:
    return Space(kept[0].base_url, f"e{next(_numbers)}", session)


def erase(space: Space, visitor: str) -> dict[str, Any]:
    number = space.ask(identifier=visitor).json()["id"]
    erased = space.process(number, status="completed")["erased"]
    assert isinstance(erased, dict)
    return erased


def file_bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def stored(path: Path, space: Space) -> list[str]:
    """Every text and body that is stored for the namespace, without the subject access requests themselves."""
    found: list[str] = []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        for table in ("exchanges", "events", "verdicts", "runs", "visitors"):
            for row in db.execute(f"SELECT * FROM {table} WHERE namespace = ?", (space.name,)):
                found += [
                    value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row
                ]
    return found


def percent(text: str, mixed: random.Random) -> str:
    """The text percent-encoded with any letters encoded and hexadecimal digits in any case."""
    return "".join(
        f"%{byte:02{mixed.choice('xX')}}" if mixed.random() < 0.5 or not chr(byte).isalnum() else chr(byte)
        for byte in text.encode()
    )


def shared_batch(mine: str, secret: str, other: dict[str, Any]) -> dict[str, Any]:
    """A batch of both visitors; all that is the first one's bears the secret."""
    entry = purchase(mine, uuid=f"c-{secret}", tags={"secret": secret, secret: 1}, revenue=secret)
    entry["attributes"] = [{"entity_id": "attr-1", "key": "plan", "type": "custom", "value": secret}]
    return batch(activation(mine, uuid=f"d-{secret}"), entry, other)


def busy(space: Space, mine: str, secret: str, mixed: random.Random) -> None:
    """The visitor leaves traces everywhere; each is marked with the secret."""
    whole = shared_batch(mine, secret, purchase("somebody-else", uuid="c-shared"))
    space.send(whole)
    space.send(json.dumps(whole, ensure_ascii=False).encode())
    if all(ord(character) < 256 for character in mine):
        space.send(json.dumps(whole, ensure_ascii=False).encode("latin-1"))
    space.send(whole, headers={"X-Optimizely-Strict": "true"})
    space.send(gzip.compress(json.dumps(whole).encode()), headers={"Content-Encoding": "gzip"})
    packed = gzip.compress((json.dumps(whole) * 3).encode())
    space.send(packed[: len(packed) // 2], headers={"Content-Encoding": "gzip"})
    space.send(packed[:30] + b"\xff" * 30 + packed[60:], headers={"Content-Encoding": "gzip"})
    space.send(zlib.compress(json.dumps(whole).encode()), headers={"Content-Encoding": "deflate"})
    space.send(json.dumps(whole).encode("utf-16"))
    space.send(json.dumps(whole)[:-3].encode())
    space.send(f"visitor_id={quote_plus(mine)}&secret={secret}".encode())
    space.send(json.dumps(whole)[:-1] + f', "visitors": [], "{secret}": {json.dumps(mine)}')
    for spelt in (
        quote(mine, safe=""),
        quote_plus(mine),
        percent(mine, mixed),
        percent(percent(mine, mixed), mixed),
    ):
        space.call("POST", f"/v1/events?visitor_id={spelt}&x=1", json=batch())
    space.put_faults({"on": "events", "status": 503})
    space.send(gzip.compress(json.dumps(whole).encode()), headers={"Content-Encoding": "gzip"})
    space.send(whole)
    space.put_faults()
    source = {"userId": mine, "context": {"traits": {"secret": secret}}}
    space.report(id="own-1", user_id=mine, outcome="not_subscribed", source_event=source)
    space.report(id="own-2", source_event=source, requests=[{"to": "events", "json": whole}])
    space.report(
        id="own-3", visitor_id=mine, message_id=f"c-{secret}", requests=[{"to": "events", "json": whole}]
    )
    run = {"id": "run-1", "state": "finished", "scenarios": [scenario(space, mine, secret)]}
    assert space.call("POST", "/_emulator/runs", json=run).status_code == 201


def scenario(space: Space, mine: str, secret: str) -> dict[str, Any]:
    entry = purchase(mine, tags={"secret": secret})
    verdicts = [
        {
            "outcome": "counted",
            "user_id": mine,
            "visitor_id": mine,
            "explanation": secret,
            "delivery": {"s": secret},
        },
        {
            "outcome": "counted",
            "user_id": "somebody-else",
            "visitor_id": "somebody-else",
            "explanation": "theirs",
        },
    ]
    differences = [
        {
            "where": "tracks[0].sent",
            "path": ["tracks", 0],
            "verdict": 0,
            "captured": secret,
            "reason": secret,
        },
        {
            "where": "tracks[1].sent",
            "path": ["tracks", 1],
            "verdict": 1,
            "captured": "theirs",
            "reason": "theirs",
        },
        {
            "where": "received[0]",
            "path": ["received", 0],
            "verdict": None,
            "captured": secret,
            "reason": secret,
        },
    ]
    return {
        "namespace": space.name,
        "steps": [{"index": n, "kind": "track", "verdict_number": n} for n in (1, 2)],
        "verdicts": verdicts,
        "differences": differences,
        "captured": {
            "tracks": [
                {"outcome": "counted", "sent": batch(entry), "x": secret},
                {"outcome": "counted", "x": "theirs"},
            ],
            "received": [batch(entry, purchase("somebody-else"))],
        },
    }


def others_work(space: Space, mine: str) -> None:
    """What other visitors send, with much in it that only looks like the visitor."""
    tags = {
        "plan": "1",
        "level": 1,
        "version": "1.2.3",
        "a": "a",
        "text": "a 1 gold true user, 1.2.3 checkout",
    }
    attributes = [{"entity_id": "attr-1", "key": "plan", "type": "custom", "value": "gold"}]
    for number, other in enumerate(
        ("somebody-else", f"{mine}x", f"x{mine}", f"{mine}-2", f"2-{mine}", "111")
    ):
        entry = purchase(other, uuid=f"o-{number}", tags=tags, revenue=1, value=1.5)
        space.send(
            batch(activation(other, uuid=f"od-{number}"), {**entry, "attributes": attributes}, revision="1")
        )
    space.call("POST", "/v1/events?page=1&size=a&plan=gold", json=batch(purchase("page", uuid="o-page")))
    space.send(b"a text of 1 line and a version 1.2.3, for gold users only: checkout")
    space.send(b'{"revision": "1", "visitors": [{"visitor_id": "111", "plan": 1, ')
    space.report(
        id="theirs", user_id="somebody-else", payload={"properties": tags}, source_event={"properties": tags}
    )


def listings(space: Space) -> dict[str, list[dict[str, Any]]]:
    return {name: space.rows(name, limit=1000) for name in ("exchanges", "events", "verdicts")}


def theirs(rows: list[dict[str, Any]], first: list[int]) -> list[dict[str, Any]]:
    return [row for row in rows if row["number"] <= first[0]]


@given(ids, st.randoms(use_true_random=False))
@example("1", random.Random(1))
@example("a", random.Random(1))
@example("50%25 \\off\"/'ü😀", random.Random(2))
@example("visitor-4711", random.Random(3))
@example("[", random.Random(4))
@settings(
    max_examples=25,
    deadline=None,
    # Each example is some fifty requests: a failing id is shown as it was found.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_of_the_visitor_stays_and_nothing_of_others_goes(
    kept: Journal, session: requests.Session, mine: str, mixed: random.Random
) -> None:
    space = fresh(kept, session)
    secret = f"secret{next(_numbers)}of{space.name}"
    space.put_datafile()
    others_work(space, mine)
    before = listings(space)
    newest = {name: rows[-1]["number"] for name, rows in before.items()}
    busy(space, mine, secret, mixed)
    assert secret.encode() in file_bytes(kept[1])
    erased = erase(space, mine)
    assert erased["visitors"] == [mine], mine

    left = [text for text in stored(kept[1], space) if secret in text]
    assert not left, (mine, left)
    raw = file_bytes(kept[1])
    assert secret.encode() not in raw
    assert secret.encode("utf-16-le") not in raw
    after = listings(space)
    for name, rows in before.items():
        assert [row for row in after[name] if row["number"] <= newest[name]] == rows
    shared = [row for row in after["exchanges"] if row["number"] > newest["exchanges"] and row["json"]]
    kept_entries = [entry for row in shared for entry in row["json"].get("visitors", [])]
    assert [entry["visitor_id"] for entry in kept_entries] == ["somebody-else"] * len(kept_entries)
    assert len(kept_entries) >= 6
    assert {row["visitor_id"] for row in after["events"][len(before["events"]) :]} <= {"somebody-else"}

    [shown] = space.json("runs/run-1")["scenarios"]
    assert shown["verdicts"][1]["explanation"] == shown["differences"][1]["captured"] == "theirs"
    assert shown["captured"]["received"][0]["visitors"] == [purchase("somebody-else")]

    texts = stored(kept[1], space)
    for needle in (
        f'"visitor_id":{json.dumps(mine)}',
        f'"userId":{json.dumps(mine)}',
        f'"identifier":{json.dumps(mine)}',
    ):
        assert not [text for text in texts if needle in text or needle in text.replace('\\"', '"')]
    if is_telling(mine) and mine != "Order Completed":
        found = Traces(mine)
        left = [text for text in texts if found.in_text(text) != text]
        assert not left, (mine, left)
