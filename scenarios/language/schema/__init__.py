"""The published JSON Schemas: of scenario files and of the defaults they share, for editors; of the result document.

`python -m optilocal.scenarios.language.schema scenario` (or `defaults`, `results`) prints one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAMES = ("scenario", "defaults", "results")


def path(name: str) -> Path:
    """Where the schema of this name is on disk, for an editor's settings."""
    return Path(__file__).parent / f"{name}.schema.json"


def read(name: str) -> dict[str, Any]:
    """The schema of this name as JSON."""
    schema: dict[str, Any] = json.loads(path(name).read_text(encoding="utf-8"))
    return schema
