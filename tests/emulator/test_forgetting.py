"""Namespaces that nobody uses any more are forgotten, by the system's time, in whatever store."""

import pytest
from journal_builders import exchange, numbers, projected, reported
from space import Space

from optilocal.emulator.control.forgetting import forget_idle
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings, read_settings
from optilocal.serving.options import OptionsError

HOUR = 3_600_000


def test_only_namespaces_in_which_nothing_has_come_are_forgotten(journal: Journal) -> None:
    for name in ("default", "idle", "busy", "reported"):
        journal.add_namespace(name)
        journal.change_document("datafile", name, lambda _: {"of": "sdk-1"}, "sdk-1")
        # By its own clock each is years old.
        journal.append([exchange(namespace=name, at=0)])
    assert forget_idle(journal, 0, 3 * HOUR) == []
    journal.append([exchange(namespace="busy", at=0)])
    assert forget_idle(journal, 2 * HOUR, 3 * HOUR) == []
    journal.put_report("reported", reported())
    assert forget_idle(journal, 3 * HOUR, 3 * HOUR) == ["idle"]
    assert [row["name"] for row in journal.namespaces()] == ["busy", "default", "reported"]
    assert journal.document("datafile", "idle", "sdk-1") is None
    assert forget_idle(journal, 5 * HOUR, 3 * HOUR) == ["busy"]
    assert forget_idle(journal, 6 * HOUR, 3 * HOUR) == ["reported"]
    assert forget_idle(journal, 99 * HOUR, 3 * HOUR) == []
    assert journal.document("datafile", "default", "sdk-1") is not None


def test_a_namespace_that_comes_back_begins_anew(journal: Journal) -> None:
    journal.append([exchange()])
    journal.add_namespace("n")
    forget_idle(journal, 0, HOUR)
    assert forget_idle(journal, HOUR, HOUR) == ["n"]
    journal.add_namespace("n")
    journal.append([exchange()])
    projected(journal)
    assert forget_idle(journal, HOUR, HOUR) == []
    assert len(numbers(journal, "exchanges")) == 1


def test_an_emulator_forgets_by_itself(session: object) -> None:
    with EmulatorServer(Settings(port=0, forget_after=0.2)) as server:
        space = Space(server.base_url, "n", session)  # type: ignore[arg-type]
        space.put_datafile()
        asked = f"{server.base_url}/_emulator/namespaces"
        names = (
            {row["name"] for row in space.session.get(asked).json()["namespaces"]} for _ in range(10_000)
        )
        assert any("n" not in each for each in names)


def test_the_time_is_said_with_its_unit() -> None:
    assert read_settings(["--forget-after", "7d"], {}).forget_after == 7 * 86_400
    assert read_settings([], {"EMULATOR_FORGET_AFTER": "1.5h"}).forget_after == 5_400
    for odd in ("7", "0d", "week", "-1d"):
        with pytest.raises(OptionsError, match="say it as 7d"):
            read_settings([f"--forget-after={odd}"], {})
