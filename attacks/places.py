"""Damage at 40 random places of a journal and of a spool: all but what was hit is read, and one line says so."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from damage import KINDS, Files, damaged
from journal_builders import exchange

from optilocal.emulator.journal.records import Query
from optilocal.emulator.journal.sqlite import SqliteJournal
from optilocal.forwarder.pipeline.delivery import Delivery, new_report
from optilocal.forwarder.store.sqlite import SqliteSpool

ROWS, PLACES = 2_000, 40


def journal_rows(path: Path) -> set[bytes]:
    with closing(SqliteJournal(path)) as journal:
        found = journal.rows("exchanges", Query(None, limit=ROWS, most_bytes=10**10))
        return {row["body"][:20] for row in found}


def spool_rows(path: Path) -> set[bytes]:
    with closing(SqliteSpool(path)) as spool:
        return {str(one.delivery.id).encode() for one in spool.listing(None, limit=ROWS)}


def journal_files(path: Path) -> Files:
    with closing(SqliteJournal(path)) as journal:
        for number in range(ROWS):
            journal.append([exchange(body=b"%020d %s" % (number, b"y" * (number % 13 * 500)))])
            if number == ROWS // 2:
                journal.look()
        return Files.read(path)


def spool_files(path: Path) -> Files:
    with closing(SqliteSpool(path)) as spool:
        for number in range(ROWS):
            event = {
                "type": "track",
                "messageId": str(number),
                "properties": {"x": "y" * (number % 13 * 500)},
            }
            report = new_report(event, delivery_id=f"{number:020}", received_at=1)
            spool.add("default", [Delivery(report, retry_at=1)], due=1)
        return Files.read(path)


STORES = {"journal": (journal_files, journal_rows), "spool": (spool_files, spool_rows)}


@pytest.mark.parametrize("store", STORES)
def test_forty_places(tmp_path: Path, figure: Any, capfd: pytest.CaptureFixture[str], store: str) -> None:
    fill: Callable[[Path], Files]
    fill, read = STORES[store]
    files = fill(tmp_path / "kept")
    whole = read(files.write(tmp_path / "whole"))
    assert len(whole) == ROWS
    worst: dict[str, int] = dict.fromkeys(KINDS, 0)
    for place in range(PLACES):
        kind = KINDS[place % len(KINDS)]
        hit = damaged(files, kind, random.Random(place))
        lost = len(whole - read(hit.write(tmp_path / f"place-{place}")))
        assert lost <= 30 * hit.pages + hit.cut_off
        worst[kind] = max(worst[kind], lost)
    capfd.readouterr()
    figure(
        f"a {store} of {ROWS:,} rows damaged at {PLACES} random places",
        f"rows lost: at most {worst['flip']} by a flipped bit, {worst['zero']} by 4 KB of zeros; of a cut file its end",
    )
