"""The spool in PostgreSQL: forwarders that share it send each event once, and take over from one that dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest
import requests
from optimizely_double import Answer, OptimizelyDouble
from postgresql_server import PostgresqlServer
from segment_side import SegmentSide

from optilocal.forwarder.server import ServerError

Make = Callable[..., SegmentSide]
TRACK = {"event": "Order Completed", "userId": "u-1", "properties": {"revenue": 100}}


@pytest.fixture
def url(postgresql: PostgresqlServer, request: pytest.FixtureRequest) -> str:
    return postgresql.url(f"s{abs(hash(request.node.name))}")


def uuids(double: OptimizelyDouble) -> Counter[str]:
    """How often each conversion has come."""
    return Counter(
        event["uuid"]
        for one in double.to("/v1/events")
        for visitor in one.json["visitors"]
        for event in visitor["snapshots"][0]["events"]
    )


def test_each_event_is_sent_once_by_one_of_them(
    make_server: Make, double: OptimizelyDouble, url: str
) -> None:
    both = [make_server(spool=url) for _ in range(2)]

    def post(segment: SegmentSide, name: str) -> None:
        for number in range(20):
            assert segment.post("/v1/track", {**TRACK, "messageId": f"{name}-{number}"}).ok

    # Every message id comes to both, at about the same time.
    threads = [threading.Thread(target=post, args=(segment, name)) for segment in both for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes = Counter(row["outcome"] for row in both[0].ended(80))
    assert outcomes == {"sent": 40, "duplicate": 40}
    assert set(uuids(double).values()) == {1}
    assert len(uuids(double)) == 40


def test_suppression_and_configuration_are_everyones(
    make_server: Make, double: OptimizelyDouble, url: str
) -> None:
    one, two = make_server(spool=url), make_server(spool=url)
    assert two.post("/v1/track", TRACK).ok
    one.ended()
    one.post("/regulations", {"regulationType": "SUPPRESS_ONLY", "subjectIds": ["u-9"]})
    one.put("/_forwarder/settings", {"dataFileUrl": "https://cdn.optimizely.com/datafiles/blue.json"})
    assert two.get("/_forwarder/settings").json()["dataFileUrl"].endswith("blue.json")
    assert two.post("/v1/track", {**TRACK, "userId": "u-9"}).ok
    assert two.post("/v1/track", TRACK).ok
    outcomes = [row["outcome"] for row in two.ended(3)]
    assert outcomes == ["sent", "suppressed_user", "sent"]
    assert [one.path for one in double.to("/datafiles/")][-1] == "/datafiles/blue.json"


def test_what_one_leaves_another_sends(make_server: Make, double: OptimizelyDouble, url: str) -> None:
    one, two = make_server(spool=url), make_server(spool=url)
    double.next("/v1/events", Answer(503))
    one.post("/v1/track", {**TRACK, "messageId": "m-1"})
    double.wait_for("/_emulator/deliveries")
    one.server.stop()
    (done,) = two.ended()
    assert (done["outcome"], len(done["attempts"])) == ("sent", 2)
    assert list(uuids(double)) == ["m-1"]


def test_one_that_is_killed_in_mid_delivery_is_taken_over_with_the_same_uuid(
    make_server: Make, double: OptimizelyDouble, url: str
) -> None:
    double.gates["/v1/events"] = threading.Event()
    command = [sys.executable, "-m", "optilocal.forwarder", "--port", "0", "--optimizely", double.url]
    process = subprocess.Popen([*command, "--spool", url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().split()[1]
    accepted = [f"m-{number}" for number in range(6)]
    for message_id in accepted:
        event = {**TRACK, "messageId": message_id}
        assert requests.post(f"{address}/v1/track", json=event, auth=("k", ""), timeout=20).ok
    double.wait_for("/v1/events")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    double.gates["/v1/events"].set()
    second = make_server(spool=url)
    rows = second.ended(6)
    assert [row["message_id"] for row in rows] == accepted
    assert {row["outcome"] for row in rows} == {"sent"}
    assert set(uuids(double)) == set(accepted)


def test_a_dead_letter_that_two_replay_is_sent_by_one(
    make_server: Make, double: OptimizelyDouble, url: str
) -> None:
    one, two = make_server(spool=url), make_server(spool=url)
    double.next("/v1/events", Answer(400))
    one.post("/v1/track", {**TRACK, "messageId": "m-1"})
    (dead,) = one.deliveries(state="dead")
    answers = [
        segment.post(f"/_forwarder/deliveries/{dead['id']}/replay").status_code for segment in (one, two)
    ]
    assert 202 in answers or 200 in answers
    (done,) = two.ended()
    assert done["outcome"] == "sent"


def test_a_schema_of_something_else_is_refused_in_one_line(
    make_server: Make, postgresql: PostgresqlServer, url: str
) -> None:
    schema = url.partition("schema=")[2]
    with psycopg.connect(postgresql.url()) as db:
        db.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.deliveries (note TEXT)")
    with pytest.raises(ServerError, match="holds something else than the spool") as caught:
        make_server(spool=url)
    assert "\n" not in str(caught.value)


def test_a_regulation_and_its_deletion_are_kept_together_and_sent(
    make_server: Make, double: OptimizelyDouble, url: str
) -> None:
    segment = make_server(spool=url, destination={"accessToken": "pat-1"})
    for number in range(5):
        body = {"regulationType": "SUPPRESS_WITH_DELETE", "subjectIds": [f"u-{number}"]}
        assert segment.post("/regulations", body).ok
    assert [row["outcome"] for row in segment.ended(5)] == ["deleted"] * 5
    assert len(double.to("/v2/subject-access-requests")) == 5
