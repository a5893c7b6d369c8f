"""A disk that is full, on a small tmpfs: nothing acknowledged is lost, nothing is sent twice for it, and both recover."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SHOP, connect_to_shop, served
from kills import batch, rows, track

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB, 56 MB of it taken by a file `ballast`."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a tmpfs")
    (tmp_path / "ballast").write_bytes(bytes(56_000_000))
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_the_emulators_disk_is_full(small: Path, figure: Any) -> None:
    acknowledged: list[str] = []
    with served("emulator", "--journal", small / "journal.sqlite") as emulator:
        refused = 0
        for number in range(200_000):
            status, said = emulator.ask("POST", *batch(f"c-{number}"), **JSON)
            if status == 204:
                acknowledged.append(f"c-{number}")
            else:
                assert (status, b"full" in said) == (500, True), said
                refused += 1
                if refused == 20:
                    break
        assert refused == 20
        (small / "ballast").unlink()
        threading.Event().wait(2)
        assert emulator.ask("POST", *batch("last"), **JSON)[0] == 204
        kept = {row["uuid"] for row in rows(emulator, "/_emulator/events", "events")}
    assert {*acknowledged, "last"} <= kept
    figure(
        "the emulator's disk is full",
        f"500 with the reason; {len(acknowledged):,} acknowledged, 0 lost; it recovers",
    )


def test_the_forwarders_disk_is_full(small: Path, figure: Any) -> None:
    accepted: list[str] = []
    with served("emulator", "--datafile", SHOP) as emulator:
        with served("forwarder", "--optimizely", emulator.url, "--spool", small / "spool") as forwarder:
            connect_to_shop(forwarder)
            refused = 0
            for number in range(200_000):
                status, _ = forwarder.ask("POST", *track(f"m-{number}"), **JSON)
                if status == 200:
                    accepted.append(f"m-{number}")
                else:
                    assert status == 503
                    refused += 1
                    if refused == 20:
                        break
            assert refused == 20
            (small / "ballast").unlink()
            for _ in range(600):
                if json.loads(forwarder.ask("GET", "/_forwarder/health")[1])["waiting"] == 0:
                    break
                threading.Event().wait(0.2)
            else:
                raise AssertionError("deliveries still wait after two minutes")
        sent = Counter(row["uuid"] for row in rows(emulator, "/_emulator/events", "events"))
        missing = set(accepted) - set(sent)
        told = [
            row for row in rows(emulator, "/_emulator/verdicts", "verdicts") if row["message_id"] in missing
        ]
        assert not missing, (
            len(missing),
            len(accepted),
            [(row["outcome"], row["delivery"]["attempts"]) for row in told][:3],
        )
    twice = sum(count > 1 for count in sent.values())
    assert twice == 0
    figure(
        "the forwarder's disk is full", f"503; {len(accepted):,} accepted, 0 lost, 0 sent twice; it recovers"
    )
