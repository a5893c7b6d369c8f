"""A tracking plan that is named by its file, in a settings file or a scenario."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optilocal.forwarder.stages.shape import ShapeError, Violation


def with_plan_read(schema: Any, folder: Path) -> Any:
    """`{"plan": FILE, …}` with what is in the file in its place; FILE is seen from `folder`. Raises `ShapeError`."""
    if not isinstance(schema, dict) or not isinstance(schema.get("plan"), str):
        return schema
    file = folder / schema["plan"]
    try:
        plan = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _refused(f"the tracking plan {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise _refused(f"the tracking plan {file} is not JSON: {error}") from None
    return {**schema, "plan": plan}


def _refused(problem: str) -> ShapeError:
    return ShapeError([Violation("schema.plan", problem)])
