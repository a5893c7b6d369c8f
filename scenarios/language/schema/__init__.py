"""The published JSON Schemas: of scenario files and of the defaults they share, for editors; of the result document.

`python -m optilocal.scenarios.language.schema scenario` (or `defaults`, `results`) prints one. The first two follow from
the tables of `document` and `steps`.
"""

import json
from pathlib import Path
from typing import Any

from optilocal.scenarios.language.schema.scenario import defaults_schema, scenario_schema

NAMES = ("scenario", "defaults", "results")


def read(name: str) -> dict[str, Any]:
    """The schema of this name as JSON."""
    if name == "scenario":
        return scenario_schema()
    if name == "defaults":
        return defaults_schema()
    schema: dict[str, Any] = json.loads(
        (Path(__file__).parent / "results.schema.json").read_text(encoding="utf-8")
    )
    return schema
