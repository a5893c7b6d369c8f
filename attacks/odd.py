"""10,000 odd requests by a grammar: no answer of the 5xx kind, and both servers answer as ever afterwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from conftest import MEMORY_MB, served
from hypothesis import HealthCheck, given, settings
from test_odd_requests import answers, odd_request

EXAMPLES = 5_000


def test_odd_requests(tmp_path: Path, figure: Any) -> None:
    with (
        served("emulator", "--journal", tmp_path / "journal.sqlite") as emulator,
        served("forwarder", "--optimizely", emulator.url, "--spool", tmp_path / "spool") as forwarder,
    ):
        sent = 0

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(odd_request())
        def each(text: bytes) -> None:
            nonlocal sent
            for server in (emulator, forwarder):
                said = answers(server.port, text)
                assert not re.search(rb"HTTP/1\.1 5\d\d ", said), (text[:300], said[:300])
                sent += 1

        each()
        assert emulator.ask("GET", "/_emulator/health")[0] == 200
        assert forwarder.ask("GET", "/_forwarder/health")[0] == 200
        most = max(emulator.most_memory_mb(), forwarder.most_memory_mb())
        assert most < MEMORY_MB
    figure(
        "odd requests by a grammar, to both servers",
        f"{sent:,} sent, none answered 5xx, {most:.0f} MB at most",
    )
