"""Erasure on a journal that several emulators share: what any of them took is found, and nothing returns."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from field_builders import batch, purchase
from space import Space

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

VISITORS = ["visitor-to-erase-4711", "visitor-\ud800-to-erase"]


@contextmanager
def neighbour(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another emulator on the journal, in a process of its own, and where it is reached."""
    command = [sys.executable, "-m", "optilocal.emulator", "--port", "0", "--journal", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, f"http://127.0.0.1:{process.stdout.readline().rsplit(':', 1)[1].strip()}"
        process.terminate()


def send(space: Space, visitor: str, count: int, name: str) -> None:
    for number in range(count):
        body = json.dumps(batch(purchase(visitor, uuid=f"{name}-{number}", tags={"secret": "of-mine"})))
        assert space.send(body.encode()).status_code == 204


def nothing_of(visitor: str, space: Space, folder: Path) -> None:
    for listing in ("exchanges", "events", "verdicts"):
        text = space.get(f"/_emulator/{listing}", params={"limit": 1000}).text
        assert "of-mine" not in text
    kept = b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    assert b"of-mine" not in kept
    assert [row["visitor_id"] for row in space.rows("events")] == ["somebody-else"]


@pytest.mark.parametrize("visitor", VISITORS, ids=["plain", "half a surrogate pair"])
@pytest.mark.parametrize("killed", [True, False], ids=["killed", "alive"])
def test_nothing_of_a_neighbours_stays_or_returns(tmp_path: Path, visitor: str, killed: bool) -> None:
    path = tmp_path / "journal.sqlite"
    with requests.Session() as session, EmulatorServer(Settings(port=0, journal=path)) as mine:
        space = Space(mine.base_url, "gdpr", session)
        send(space, visitor, 5, "mine")
        space.send(batch(purchase("somebody-else", uuid="other")))
        with neighbour(path) as (process, url):
            other = Space(url, "gdpr", session)
            send(other, visitor, 30, "other")
            if killed:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            body = json.dumps(
                {
                    "identifier": visitor,
                    "data_type": "visitor",
                    "identifier_type": "fullstack_id",
                    "request_type": "delete",
                }
            )
            headers = {"Authorization": "Bearer pat-1", "Content-Type": "application/json"}
            made = space.call("POST", "/v2/subject-access-requests", data=body, headers=headers)
            done = space.process(made.json()["id"], status="completed")
            assert done["erased"]["events"] == 35
            if not killed:
                nothing_of(visitor, other, tmp_path)
        nothing_of(visitor, space, tmp_path)
    for _ in range(2):
        with requests.Session() as session, EmulatorServer(Settings(port=0, journal=path)) as again:
            nothing_of(visitor, Space(again.base_url, "gdpr", session), tmp_path)


def test_what_comes_in_at_a_neighbour_meanwhile_is_kept_or_erased_but_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with (
        requests.Session() as session,
        EmulatorServer(Settings(port=0, journal=path)) as mine,
        neighbour(path) as (_, url),
    ):
        space = Space(mine.base_url, "gdpr", session)
        send(space, VISITORS[0], 5, "before")
        number = space.ask(identifier=VISITORS[0]).json()["id"]
        taken: list[str] = []

        def sender() -> None:
            with requests.Session() as own:
                other = Space(url, "gdpr", own)
                for each in range(40):
                    if other.send(batch(purchase(f"v-{each}", uuid=f"n-{each}"))).status_code == 204:
                        taken.append(f"n-{each}")

        thread = threading.Thread(target=sender)
        thread.start()
        assert space.process(number, status="completed")["erased"]["events"] == 5
        thread.join()
        assert len(taken) == 40
        assert sorted(row["uuid"] for row in space.rows("events")) == sorted(taken)
