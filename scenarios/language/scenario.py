"""One scenario as read from its file: steps to drive, expectations to hold, and where each of them stands."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optilocal.forwarder.stages.platform import NOTHING, Platform
from optilocal.scenarios.language.yaml_nodes import Document, NodePath


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the scenarios of a folder share; what a scenario says itself wins. Tags add up, settings go one by one."""

    tags: tuple[str, ...] = ()
    datafile: dict[str, Any] | None = field(default=None, repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    mappings: tuple[dict[str, Any], ...] | None = None
    platform: Platform = NOTHING
    clock_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its kind, what stands behind it, its number (from 0) and line."""

    index: int
    kind: str
    arguments: Any
    line: int


@dataclass(frozen=True)
class Scenario:
    """One document of a `*.scenario.yaml` file, checked: whatever is in it can be run."""

    name: str
    document: Document = field(repr=False)
    source: str = field(repr=False)
    datafile: dict[str, Any] = field(repr=False)
    steps: tuple[Step, ...]
    expect: dict[str, Any]
    shown_file: str
    line: int
    """The line its document starts at, or that of its row; from 1."""
    teaches: str | None = None
    tags: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    mappings: tuple[dict[str, Any], ...] | None = None
    platform: Platform = NOTHING
    predictions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Contextual bandit's id → the rows of its table, as the emulator's prediction service takes them."""
    clock_ms: int | None = None
    number: int = 0
    """Which scenario of its file it is, and `row` which row of its document; both from 0."""
    row: int = 0

    @property
    def file(self) -> Path:
        """The file it was read from."""
        return self.document.file

    @property
    def id(self) -> str:
        """`file:line`, what a rerun names; the file as the user gave it."""
        return f"{self.shown_file}:{self.line}"

    @property
    def tracks(self) -> tuple[Step, ...]:
        """The track steps, in order: `expect.tracks` has one item for each."""
        return tuple(step for step in self.steps if step.kind == "track")

    def expectation_line(self, path: NodePath) -> int:
        """The line of a node below `expect`."""
        return self.document.line(("expect", *path))
