"""The imitated surface under whatever anybody sends: never a server error, and the journal whole afterwards."""

import json
from typing import Any

import pytest
from field_builders import NOW, activation, batch, purchase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from space import Space

from optilocal.emulator.server import EmulatorServer

ANY_TEXT = st.text(st.characters(codec=None), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | ANY_TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    "account_id",
    "visitors",
    "visitor_id",
    "snapshots",
    "decisions",
    "events",
    "timestamp",
    "uuid",
    "key",
    "entity_id",
    "type",
    "revenue",
    "value",
    "quantity",
    "tags",
    "attributes",
    "campaign_id",
    "experiment_id",
    "variation_id",
    "is_campaign_holdback",
    "metadata",
    "rule_type",
    "anonymize_ip",
    "enrich_decisions",
    "session_id",
    "properties",
    "client_name",
]


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    """A good batch in which one to four places hold something else."""
    good = batch(activation(), purchase(revenue=1, value=2.5, tags={"a": 1}))
    whole: dict[str, Any] = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 4))):
        place: Any = whole
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            if draw(st.integers(0, 3)) == 0 or not isinstance(place[key], dict | list):
                new = draw(st.sampled_from(NAMES)) if isinstance(place, dict) and draw(st.booleans()) else key
                if not isinstance(new, int) or isinstance(place, list):
                    place[new] = draw(JSON)
                break
            place = place[key]
    return whole


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            ["application/json", "text/plain", "image/png", "application/x-www-form-urlencoded"]
        ),
        "Content-Encoding": st.sampled_from(["gzip", "br", "identity", "x"]),
        "X-Optimizely-Strict": st.sampled_from(["true", "false", "yes", "1"]),
        "User-Agent": st.sampled_from(["Googlebot/2.1", "Mozilla/5.0", "x"]),
        "Origin": st.sampled_from(["null", "https://a.example"]),
    },
)
FUZZ = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()), headers=HEADERS)
def test_any_bytes_as_events(space: Space, body: bytes, headers: dict[str, str]) -> None:
    assert space.send(body, headers=headers).status_code in (204, 400, 413)


@FUZZ
@given(given_batch=spoiled(), headers=HEADERS)
def test_any_batch_as_events(space: Space, given_batch: dict[str, Any], headers: dict[str, str]) -> None:
    headers.pop("Content-Encoding", None)
    assert space.send(json.dumps(given_batch).encode(), headers=headers).status_code in (204, 400)
    newest = space.rows("exchanges", order="newest", limit=1)[0]
    assert newest["method"] == "POST"


@FUZZ
@given(body=JSON, token=st.sampled_from(["Bearer x", "Bearer", "Bearer wrong", "x", ""]))
def test_any_body_as_a_subject_access_request(space: Space, body: Any, token: str) -> None:
    arguments: dict[str, Any] = {"data": json.dumps(body).encode(), "headers": {"Authorization": token}}
    answer = space.call("POST", "/v2/subject-access-requests", **arguments)
    assert answer.status_code in (201, 400, 401, 403)


@FUZZ
@given(
    path=st.sampled_from(
        ["/datafiles/{}.json", "/json/{}.json", "/datafiles/auth/{}.json", "/v2/experiments/{}/results"]
    )
    | st.sampled_from(
        ["/v2/subject-access-requests/{}", "/{}", "/v1/{}", "/static/{}", "/ns/{}/datafiles/x.json"]
    ),
    piece=st.text(st.characters(codec="utf-8"), max_size=12),
    since=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip),
)
def test_any_address(space: Space, path: str, piece: str, since: str) -> None:
    import urllib.parse  # noqa: PLC0415

    address = path.format(urllib.parse.quote(piece, safe=""))
    answer = space.get(
        address, headers={"If-Modified-Since": since, "Authorization": "Bearer x"}, allow_redirects=False
    )
    assert answer.status_code < 500


@FUZZ
@given(
    report=st.dictionaries(
        st.sampled_from(["id", "type", "outcome", "event", "user_id", "requests", "payload"]), JSON
    )
)
def test_any_report_has_a_verdict(space: Space, report: dict[str, Any]) -> None:
    space.put_datafile()
    answer = space.call("POST", "/_emulator/deliveries", data=json.dumps(report).encode())
    assert answer.status_code in (201, 400)
    space.json("verdicts", order="newest", limit=3, outcome="counted")
    space.json("verdicts", order="newest", limit=3)


@pytest.mark.parametrize("name", ["user_id", "anonymous_id", "visitor_id", "message_id", "event_key", "id"])
def test_half_a_surrogate_pair_in_a_report_keeps_no_verdict_from_anybody(space: Space, name: str) -> None:
    space.put_datafile()
    space.send(batch(activation(), purchase()))
    report = {"id": "d-1", "message_id": "m-1", "outcome": "sent", "user_id": "u-1", name: "a\udfffb"}
    assert space.call("POST", "/_emulator/deliveries", data=json.dumps(report).encode()).status_code == 201
    assert len(space.rows("verdicts")) == 2
    assert [row["outcome"] for row in space.rows("verdicts", outcome="counted")] == ["counted"]


def test_a_run_takes_any_text(space: Space) -> None:
    run = {"id": "r-\ud800", "state": "\ud800", "scenarios": [{"name": "\udfff", "status": "failed"}]}
    assert space.call("POST", "/_emulator/runs", data=json.dumps(run).encode()).status_code == 201
    assert len(space.rows("runs")) == 1


def test_the_journal_is_whole_after_all_this(server: EmulatorServer, space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation(), purchase(timestamp=NOW + 1)))
    for listing in ("exchanges", "events", "verdicts"):
        after = 0
        while True:
            page = space.json(listing, ns="*", limit=1000, after=after)
            if not page[listing]:
                break
            after = page["next"]
    assert space.rows("verdicts")[0]["outcome"] == "counted"
    parts = server._context
    assert parts is not None
    assert parts.journal.is_sound()
