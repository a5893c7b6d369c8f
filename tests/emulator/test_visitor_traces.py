"""Where an erased visitor's id is looked for: short ids where a person is told, telling ones wherever they stand."""

import gzip
import json
from typing import Any

import pytest
from field_builders import batch, purchase
from space import Space

from optilocal.emulator.privacy.visitor_traces import ERASED, names_person


def erase(space: Space, visitor: str) -> Any:
    number = space.ask(identifier=visitor).json()["id"]
    return space.process(number, status="completed")["erased"]


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
    assert "of-mine" not in json.dumps([space.rows(name) for name in ("exchanges", "events", "verdicts")])


def test_a_name_that_stands_twice_hides_nothing(space: Space) -> None:
    body = json.dumps(batch(purchase("somebody-else"))).replace(
        '"visitor_id": ', '"visitor_id": "u-4711", "visitor_id": '
    )
    space.send(body)
    assert erase(space, "u-4711")["exchanges"] == 1
    [row] = space.rows("exchanges", surface="events")
    assert "u-4711" not in row["body"]
    assert row["json"] == batch(purchase("somebody-else"))
