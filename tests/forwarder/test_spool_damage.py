"""What was accepted survives damage: of a spool with flipped, zeroed or cut bytes all but what was hit can be read."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import requests
from damage import KINDS, Files, damaged
from segment_side import SegmentSide
from test_spool import NOON, delivery

from optilocal.forwarder.store.file import SpoolError
from optilocal.forwarder.store.sqlite import SqliteSpool

ROWS = 300
IN_A_PAGE = 6
"""No page has more of these rows: each has some 700 bytes."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A spool as a killed forwarder leaves it: what came last is in the log alone."""
    path = tmp_path_factory.mktemp("kept") / "spool"
    with closing(SqliteSpool(path)) as spool:
        for number in range(ROWS):
            long = "y" * (300 + number % 5 * 1_500)
            spool.add("default", [delivery(str(number), properties={"x": long})], due=NOON)
        spool.suppress("default", "user_id", "u-9", NOON)
        spool.configure("default", {"settings": {"accountId": "1"}})
        found = Files.read(path)
    with closing(SqliteSpool(found.write(path))):
        # Opened once more, half of it is folded into the file.
        pass
    with closing(SqliteSpool(path)) as spool:
        for number in range(ROWS, 2 * ROWS):
            spool.add("default", [delivery(str(number), properties={"x": "y" * 300})], due=NOON)
        return Files.read(path)


def ids(path: Path) -> list[str]:
    with closing(SqliteSpool(path)) as spool:
        return [str(one.delivery.report["message_id"]) for one in spool.listing(None, limit=10_000)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", KINDS)
def test_damage_costs_the_deliveries_that_it_hits_and_is_said(
    files: Files, tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str, seed: int
) -> None:
    before = ids(files.write(tmp_path / "whole"))
    assert len(before) == 2 * ROWS
    assert capfd.readouterr().err == ""
    hit = damaged(files, kind, random.Random(seed))
    found = ids(hit.write(tmp_path / "spool"))
    assert len(set(before) - set(found)) <= IN_A_PAGE * hit.pages + hit.cut_off
    said = capfd.readouterr().err.splitlines()
    assert len(said) <= 1 + 2 * IN_A_PAGE
    assert bool(said) >= (len(found) < 2 * ROWS and not hit.log_is_shorter)
    assert all("spool.damaged-1" in line or "is damaged and left out" in line for line in said)


def test_what_else_is_remembered_goes_on_too(files: Files, tmp_path: Path) -> None:
    path = files.write(tmp_path / "spool")
    with closing(SqliteSpool(path)):
        pass
    content = bytearray(path.read_bytes())
    content[:16] = b"\xaa" * 16
    path.write_bytes(content)
    with closing(SqliteSpool(path)) as spool:
        assert spool.is_suppressed("default", "user_id", "u-9")
        assert spool.configuration("default") == {"settings": {"accountId": "1"}}
        assert spool.waiting() == 2 * ROWS


def test_a_damaged_page_that_is_met_while_running_is_mended(
    files: Files, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = files.write(tmp_path / "spool")
    with closing(SqliteSpool(path)):
        pass
    with closing(SqliteSpool(path)) as spool:
        # It stays open: closing it would take the spool's own lock away.
        file = os.open(path, os.O_RDWR)
        middle = path.stat().st_size // 2 // 4096 * 4096
        os.pwrite(file, b"\xaa" * 40_960, middle)
        spool._db.execute("PRAGMA shrink_memory")
        with pytest.raises(SpoolError, match="malformed"):
            spool.listing(None, limit=10_000)
        kept = len(spool.listing(None, limit=10_000))
        assert ROWS < kept < 2 * ROWS
        spool.add("default", [delivery("new")], due=NOON)
        assert len(spool.listing(None, limit=10_000)) == kept + 1
    assert capfd.readouterr().err.count("was damaged") == 1


def test_a_delivery_that_cannot_be_read_keeps_none_of_the_others_from_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spool"
    with closing(SqliteSpool(path)) as spool:
        for number in range(3):
            spool.add("default", [delivery(str(number))], due=NOON)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE deliveries SET report = '{' WHERE number = 2")
        db.commit()
    assert ids(path) == ["m-0", "m-2"]
    assert "delivery 2 in the spool" in capfd.readouterr().err


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "deleted"])
def test_a_spool_that_goes_away_while_it_is_used_takes_nothing_more(
    make_server: Callable[..., SegmentSide], tmp_path: Path, replaced: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    server = make_server(spool=tmp_path / "spool")
    body = {"event": "Signed Up", "userId": "u-1", "messageId": "m-1"}
    server.post("/v1/track", body)
    server.deliveries()
    for file in tmp_path.iterdir():
        file.unlink()
    if replaced:
        SqliteSpool(tmp_path / "spool").close()
    answer = requests.post(f"{server.url}/v1/track", json=body, auth=("k", ""), timeout=30)
    assert answer.status_code == 503
    assert "deleted or replaced" in answer.text
    assert server.get("/_forwarder/health").status_code == 200
