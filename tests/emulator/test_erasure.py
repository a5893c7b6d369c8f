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

from emulator.server import EmulatorServer
from emulator.settings import Settings
from emulator.visitor_traces import ERASED, Traces, is_telling, names_person

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
        "steps": [{"index": 1, "kind": "track"}, {"index": 2, "kind": "track"}],
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


@pytest.mark.parametrize(
    "name", ["visitor_id", "userId", "X-User-Id", "anonymous_id", "identifier", "users", "uid", "previousId"]
)
def test_a_name_that_tells_a_person(name: str) -> None:
    assert names_person(name)


@pytest.mark.parametrize(
    "name",
    ["id", "experiment_id", "uuid", "plan", "user_agent", "userCount", "account_id", "users_total", "guid"],
)
def test_a_name_that_tells_no_person(name: str) -> None:
    assert not names_person(name)


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        ({"userId": "1", "n": "1", "m": 1}, {"userId": ERASED, "n": "1", "m": 1}),
        ({"customer_id": 1, "level": 1}, {"customer_id": ERASED, "level": 1}),
        ({"users": ["1", "2"]}, {"users": [ERASED, "2"]}),
        ({"users": {"1": "gold", "2": "x"}}, {"users": {"2": "x"}}),
        ({"page": "/a?userId=1&n=1"}, {"page": f"/a?userId={ERASED}&n=1"}),
        (
            {"page": "/a?next=%2Fb%3Fuser_id%3D1%26n%3D1"},
            {"page": f"/a?next=%2Fb%3Fuser_id%3D{ERASED}%26n%3D1"},
        ),
        ({"raw": '{"userId":"1","n":"1"}'}, {"raw": '{"userId":"[erased]","n":"1"}'}),
        ({"raw": '\ue000{"userId":1,"n":1}'}, {"raw": '\ue000{"userId":"[erased]","n":1}'}),
        ({"text": "user: 1 of 1"}, {"text": "user: 1 of 1"}),
        ({"version": "1.2", "1": "one"}, {"version": "1.2", "1": "one"}),
    ],
)
def test_a_short_id_goes_only_where_a_person_is_told(
    space: Space, tags: dict[str, Any], left: dict[str, Any]
) -> None:
    space.send(batch(purchase("somebody-else", tags=tags, revenue=1)))
    erase(space, "1")
    [row] = space.rows("exchanges", surface="events")
    assert row["json"] == batch(purchase("somebody-else", tags=left, revenue=1))
    [event] = space.rows("events")
    shown = {
        name: json.loads(tag[1:]) if isinstance(tag, str) and tag[:1] == "\ue000" else tag
        for name, tag in left.items()
    }
    assert (event["tags"], event["revenue"]) == (shown, 1)


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        ({"ref": "u-4711", "u-4711": 1}, {"ref": ERASED, ERASED: 1}),
        ({"text": "sent by u-4711, for u-47110"}, {"text": f"sent by {ERASED}, for u-47110"}),
        ({"page": "/a?ref=u%2d4711&n=1"}, {"page": f"/a?ref={ERASED}&n=1"}),
        ({"raw": '{"key":"u-4711"}'}, {"raw": '{"key":"[erased]"}'}),
    ],
)
def test_a_telling_id_goes_wherever_it_stands(
    space: Space, tags: dict[str, Any], left: dict[str, Any]
) -> None:
    space.send(batch(purchase("somebody-else", tags=tags)))
    space.report(id="theirs", user_id="somebody-else", source_event={"properties": tags})
    erase(space, "u-4711")
    [row] = space.rows("exchanges", surface="events")
    assert row["json"] == batch(purchase("somebody-else", tags=left))
    assert [event["tags"] for event in space.rows("events")] == [left]
    [theirs] = [verdict for verdict in space.rows("verdicts") if verdict["delivery"]]
    assert theirs["delivery"]["source_event"] == {"properties": left}


def test_notes_on_the_visitors_entry_go_and_the_others_move_up(space: Space) -> None:
    space.send(
        batch(purchase("u-4711", revenue="secret-1"), purchase("somebody-else", uuid="c-2", revenue="theirs"))
    )
    space.send(
        batch(
            purchase("u-4711", uuid="c-3", revenue="secret-1"),
            purchase("somebody-else", uuid="c-4", revenue="theirs"),
        ),
        headers={"X-Optimizely-Strict": "true"},
    )
    erase(space, "u-4711")
    for row in space.rows("exchanges", surface="events"):
        [note] = row["violations"]
        assert note["path"] == "visitors[0].snapshots[0].events[0].revenue"
        assert note["message"].startswith(note["path"])
        assert "theirs" in note["message"]
        assert "secret-1" not in json.dumps(row)


def test_a_number_beyond_a_double_and_an_entry_that_is_no_object_survive(space: Space) -> None:
    body = json.dumps(batch(purchase("u-4711"), purchase("somebody-else", uuid="c-2", value=7)))
    space.send(body.replace('"value": 7', '"value": 1e999').replace('"visitors": [', '"visitors": [7, "x", '))
    erase(space, "u-4711")
    [row] = space.rows("exchanges", surface="events")
    assert row["json"]["visitors"][:2] == [7, "x"]
    assert row["json"]["visitors"][2]["snapshots"][0]["events"][0]["value"] == 1.7976931348623157e308


def test_a_body_nested_too_deeply_does_not_stop_it(space: Space) -> None:
    deep = '{"visitors": ' + '{"a": ' * 700 + '"u-4711"' + "}" * 701
    space.send(deep)
    assert erase(space, "u-4711")["exchanges"] == 1
    [row] = space.rows("exchanges", surface="events")
    assert row["body"] == ERASED


def test_what_cannot_be_searched_goes_whoever_is_named_and_says_so(space: Space) -> None:
    space.send(gzip.compress(b"{}")[:-9] + b"\xff" * 9, headers={"Content-Encoding": "gzip"})
    space.send(b"\x1b\x0a\x00\xf8", headers={"Content-Encoding": "br"})
    space.send(b"text that anybody can read")
    assert erase(space, "nobody-known") == {"visitors": [], "events": 0, "exchanges": 2, "deliveries": 0}
    rows = space.rows("exchanges", surface="events")
    assert [row["body"] for row in rows] == [ERASED, ERASED, "text that anybody can read"]
    assert "cannot be searched" in rows[0]["erased"][0]["message"]
    # Once is enough.
    assert erase(space, "nobody-known")["exchanges"] == 0


def test_a_packed_body_that_names_only_others_stays_as_it_came(space: Space) -> None:
    space.put_faults({"on": "events", "status": 503})
    packed = gzip.compress(json.dumps(batch(purchase("somebody-else"))).encode())
    space.send(packed, headers={"Content-Encoding": "gzip"})
    before = space.rows("exchanges")
    erase(space, "u-4711")
    assert space.rows("exchanges", surface="events") == before


def test_an_id_sent_as_a_number_is_the_same_visitor(space: Space) -> None:
    space.send(json.dumps(batch(purchase("u", tags={"secret": "of-mine"}))).replace('"u"', "7"))
    space.report(id="d-1", user_id=7, source_event={"userId": 7, "secret": "of-mine"})
    assert erase(space, "7") == {"visitors": ["7"], "events": 1, "exchanges": 1, "deliveries": 1}
    assert "of-mine" not in json.dumps(listings(space))
