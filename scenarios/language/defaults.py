"""What the scenarios of a folder share: tags, datafile, settings, mappings, what comes before them, clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from optilocal.forwarder.stages.platform import NOTHING, Platform

FILE_NAME = "scenario-defaults.yaml"


@dataclass(frozen=True, slots=True)
class Defaults:
    """Shared values; what a scenario says itself wins, tags add up, settings are taken one by one."""

    tags: tuple[str, ...] = ()
    datafile: dict[str, Any] | None = field(default=None, repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    mappings: tuple[dict[str, Any], ...] | None = None
    platform: Platform = NOTHING
    clock_ms: int | None = None
