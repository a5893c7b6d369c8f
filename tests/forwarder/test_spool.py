"""The spool: what was accepted is on disk before the answer, survives a kill, and is sent after a restart."""

from __future__ import annotations

import itertools
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optimizely_double import NOON, Answer, OptimizelyDouble
from segment_side import SegmentSide

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.pipeline.delivery import Delivery, new_report
from optilocal.forwarder.pipeline.memory import ProcessMemory
from optilocal.forwarder.server import ForwarderServer, ServerError
from optilocal.forwarder.settings import ServerSettings
from optilocal.forwarder.store.file import SpoolError
from optilocal.forwarder.store.postgresql import PostgresqlSpool
from optilocal.forwarder.store.spool import Spool
from optilocal.forwarder.store.sqlite import SqliteSpool

Make = Callable[..., SegmentSide]
EXAMPLES = itertools.count()
ODD = ["", "a\x00b", "\ud800 half", "𝄞" * 50, "%_\\", "x" * 20_000, "'; DROP TABLE deliveries; --"]
TRACK = {"event": "Order Completed", "userId": "u-1", "properties": {"revenue": 100}}


def delivery(name: str, **event: Any) -> Delivery:
    report = new_report(
        {"type": "track", "messageId": f"m-{name}", **event}, delivery_id=name, received_at=NOON
    )
    return Delivery(report, retry_at=NOON)


Open = Callable[..., Spool]
KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def make_spool(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Makes spools, each with nothing in it."""
    made: list[Spool] = []

    def make(**options: Any) -> Spool:
        if request.param == "sqlite":
            made.append(SqliteSpool(None, **options))
        else:
            url = request.getfixturevalue("postgresql").url(f"spool{next(EXAMPLES)}")
            made.append(PostgresqlSpool(url, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def spool(make_spool: Open) -> Spool:
    return make_spool()


class TestQueue:
    def test_the_schedule_has_what_waits_the_longest_due_first(self, spool: Spool) -> None:
        rows = {}
        for name, due in (("b", NOON + 5), ("a", NOON), ("c", NOON + 9), ("d", NOON)):
            (rows[name],) = spool.add("blue" if name == "d" else "default", [delivery(name)], due=due)
        spool.save(delivery("c").with_report(outcome="sent"), due=None)
        assert spool.schedule() == [
            (NOON, rows["a"], "default"),
            (NOON, rows["d"], "blue"),
            (NOON + 5, rows["b"], "default"),
        ]
        found = spool.at(rows["d"])
        assert found is not None and (found.delivery.id, found.namespace) == ("d", "blue")
        assert spool.at(max(rows.values()) + 1) is None

    def test_what_is_saved_comes_back_as_it_was(self, spool: Spool) -> None:
        spool.add("blue", [delivery("a")], due=NOON)
        changed = Delivery(
            {**delivery("a").report, "outcome": "pending", "details": ["x \ud800"]},
            number=3,
            retry_at=NOON + 1,
            reported=True,
            since=NOON - 1,
            attempts_before=2,
        )
        spool.save(changed, due=NOON + 1, tries=4)
        found = spool.get("blue", "a")
        assert found is not None
        assert (found.delivery, found.due, found.tries, found.namespace) == (changed, NOON + 1, 4, "blue")
        assert spool.get("default", "a") is None

    def test_a_transaction_is_all_or_nothing(self, spool: Spool) -> None:
        with pytest.raises(ZeroDivisionError), spool.transaction():
            spool.add("default", [delivery("a")], due=NOON)
            assert spool.claim("default", "m-a", "a", NOON) == "a"
            raise ZeroDivisionError
        assert spool.listing("default") == []
        assert spool.claim("default", "m-a", "b", NOON) == "b"

    def test_only_the_newest_ended_ones_are_kept_and_the_waiting_all(self, make_spool: Open) -> None:
        spool = make_spool(kept=10)
        for number in range(1000):
            one = delivery(str(number))
            spool.add("default", [one], due=NOON)
            if number >= 100:
                spool.save(one.with_report(outcome="sent"), due=None)
            elif number >= 50:
                spool.save(one.with_report(outcome="delivery_failed"), due=None)
        left = spool.listing(None, limit=5000)
        assert spool.dropped() == 1000 - len(left)
        assert spool.outcome_counts() == Counter(one.delivery.outcome for one in left)
        assert spool_ids(left) == [*range(50), *range(90, 100), *range(989, 1000)]

    def test_any_text_is_kept_and_found(self, spool: Spool) -> None:
        for number, odd in enumerate(ODD):
            one = delivery(str(number), messageId=odd)
            spool.add("default", [one], due=NOON)
            found = spool.listing("default", filters={"message_id": odd})
            assert [each.delivery for each in found] == [one]
            assert [spool.claim("default", odd, owner, NOON) for owner in ("a", "b")] == ["a", "a"]
            spool.suppress("default", "user_id", odd, NOON)
            spool.suppress("default", "user_id", odd, NOON + 1)
            assert spool.is_suppressed("default", "user_id", odd)
            spool.unsuppress("default", "user_id", odd)
            assert spool.suppressed("default", "user_id") == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    claims=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3 * 86_400_000)), max_size=30),
)
def test_one_owner_a_message_id_and_window(spool: Spool, claims: list[tuple[int, int]]) -> None:
    """The spool and the memory agree with the rule itself: an id is owned for 24 hours from its first claim."""
    memory, name = ProcessMemory(), f"example-{next(EXAMPLES)}"
    owners: dict[int, tuple[str, int]] = {}
    for number, (message, at) in enumerate(sorted(claims, key=lambda claim: claim[1])):
        held = owners.get(message)
        if held is None or at - held[1] >= 86_400_000:
            held = owners[message] = (str(number), at)
        assert spool.claim(name, f"m-{message}", str(number), at) == held[0]
        assert memory.claim(name, f"m-{message}", str(number), at) == held[0]


def spool_ids(rows: list[Any]) -> list[int]:
    return [int(row.delivery.id) for row in rows]


class TestFile:
    def test_a_file_of_something_else_is_left_as_it_is(self, tmp_path: Path) -> None:
        text = tmp_path / "notes.txt"
        text.write_text("mine")
        with pytest.raises(SpoolError, match=r"notes.txt is not a spool and was left as it is"):
            SqliteSpool(text)
        assert text.read_text() == "mine"
        other = tmp_path / "other.db"
        with sqlite3.connect(other) as db:
            db.execute("CREATE TABLE t (x)")
        db.close()
        before = other.read_bytes()
        with pytest.raises(SpoolError, match="a database of something else"):
            SqliteSpool(other)
        assert other.read_bytes() == before

    def test_a_folder_and_a_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SpoolError, match="is a folder; name a file"):
            SqliteSpool(tmp_path)
        with pytest.raises(SpoolError, match=r"does not exist; create it"):
            SqliteSpool(tmp_path / "no" / "spool")

    def test_it_is_its_owners_alone(self, tmp_path: Path) -> None:
        SqliteSpool(tmp_path / "spool").close()
        assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o600

    def test_a_spool_of_another_version(self, tmp_path: Path) -> None:
        path = tmp_path / "spool"
        SqliteSpool(path).close()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        with pytest.raises(SpoolError, match="version 99"):
            SqliteSpool(path)

    def test_two_forwarders_cannot_share_one(self, tmp_path: Path) -> None:
        spool = SqliteSpool(tmp_path / "spool")
        with pytest.raises(SpoolError, match="in use by another forwarder"):
            SqliteSpool(tmp_path / "spool")
        spool.close()
        SqliteSpool(tmp_path / "spool").close()

    def test_a_server_says_it_in_one_line(self, make_server: Make, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("x" * 200)
        with pytest.raises(ServerError, match="is not a spool"):
            make_server(spool=tmp_path / "text")


class TestRestart:
    def test_a_clean_stop_leaves_what_waits_for_the_next_forwarder(
        self, make_server: Make, double: OptimizelyDouble, tmp_path: Path
    ) -> None:
        clock = ManualClock(NOON)
        double.next("/v1/events", Answer(503))
        first = make_server(clock, spool=tmp_path / "spool")
        first.put(
            "/ns/blue/_forwarder/settings", {"dataFileUrl": "https://cdn.optimizely.com/datafiles/blue.json"}
        )
        first.namespace("blue").post("/v1/track", {**TRACK, "messageId": "m-1"})
        double.wait_for("/_emulator/deliveries")
        (pending,) = first.namespace("blue").deliveries(state="pending")
        first.namespace("blue").post(
            "/regulations", {"regulationType": "SUPPRESS_ONLY", "subjectIds": ["u-9"]}
        )
        first.server.stop()
        clock.advance(3600)
        second = make_server(clock, spool=tmp_path / "spool").namespace("blue")
        (done,) = second.ended()
        assert (done["id"], done["outcome"], len(done["attempts"])) == (pending["id"], "sent", 2)
        assert [one.path for one in double.to("/datafiles/")] == ["/ns/blue/datafiles/blue.json"] * 2
        # What it remembered is remembered still: the message id, the suppressed user.
        second.post("/v1/track", {**TRACK, "messageId": "m-1"})
        second.post("/v1/track", {**TRACK, "userId": "u-9"})
        outcomes = [row["outcome"] for row in second.ended(3)]
        assert outcomes == ["sent", "duplicate", "suppressed_user"]

    def test_a_kill_under_load_loses_no_accepted_event(
        self, double: OptimizelyDouble, tmp_path: Path
    ) -> None:
        command = [sys.executable, "-m", "optilocal.forwarder", "--port", "0", "--optimizely", double.url]
        command += ["--spool", str(tmp_path / "spool"), "--workers", "2"]
        accepted: set[str] = set()
        for round_number in range(2):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            url = process.stdout.readline().split()[1]
            enough = threading.Event()

            def post(
                sender: int, url: str = url, enough: threading.Event = enough, turn: int = round_number
            ) -> None:
                for number in range(10_000):
                    message_id = f"m-{turn}-{sender}-{number}"
                    try:
                        answer = requests.post(
                            f"{url}/v1/track",
                            json={**TRACK, "messageId": message_id},
                            auth=("k", ""),
                            timeout=5,
                        )
                    except requests.RequestException:
                        return
                    if answer.status_code == 200:
                        accepted.add(message_id)
                    if number == 40:
                        enough.set()

            senders = [threading.Thread(target=post, args=(sender,)) for sender in range(3)]
            for sender in senders:
                sender.start()
            assert enough.wait(30)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            for sender in senders:
                sender.join()
        with ForwarderServer(
            ServerSettings(port=0, optimizely=double.url, spool=tmp_path / "spool")
        ) as server:
            segment = SegmentSide(server.base_url, server)
            assert len(accepted) > 80
            rows = []
            after = 0
            while page := segment.get(f"/_forwarder/deliveries?limit=1000&after={after}").json()[
                "deliveries"
            ]:
                rows += page
                after = page[-1]["row"]
            segment.ended(min(1000, len(rows)))
        stored = {row["message_id"] for row in rows}
        assert accepted <= stored
        sent = {
            event["uuid"]
            for one in double.to("/v1/events")
            for visitor in one.json["visitors"]
            for event in visitor["snapshots"][0]["events"]
        }
        assert accepted <= sent
