"""Ctrl-C that falls into a finalizer, where Python prints a traceback and goes on."""

from __future__ import annotations

import sys

import pytest

from optilocal.scenarios.commands.interrupts import dropped_interrupts


class Falls:
    """Whose end is interrupted."""

    def __init__(self, raised: type[BaseException]) -> None:
        self.raised = raised

    def __del__(self) -> None:
        raise self.raised


def test_an_interrupt_that_python_drops_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    with dropped_interrupts() as dropped:
        assert not dropped.is_set()
        Falls(KeyboardInterrupt)
        assert dropped.is_set()
    assert capsys.readouterr().err == ""


def test_anything_else_in_a_finalizer_is_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[sys.UnraisableHookArgs] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with dropped_interrupts() as dropped:
        Falls(ValueError)
    assert [one.exc_type for one in told] == [ValueError]
    assert not dropped.is_set()
    told.clear()
