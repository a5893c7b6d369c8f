"""`make mutants` tries what is there: every module of its table, and every test that is to notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants import MODULES, modules

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", sorted(set(modules())))
def test_what_the_table_of_mutants_names_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_every_module_of_the_rules_is_tried() -> None:
    rules = (
        "trigger",
        "mapping",
        "fields",
        "track_event",
        "attribution",
        "standing",
        "verdict",
        "compare",
        "results",
    )
    assert tuple(MODULES) == rules
