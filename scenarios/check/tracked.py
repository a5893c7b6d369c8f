"""The events that a project tracks, as the readers of `--events` find them, each with its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Origin = Literal["names", "tracking plan", "recorded events", "source code"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file, and a line in it where one is known (from 1)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def as_json(self) -> dict[str, Any]:
        """`{"file", "line"}`, the line null where none is known."""
        return {"file": self.file, "line": self.line or None}


@dataclass(frozen=True, slots=True)
class Planned:
    """What a tracking plan allows for one event: JSON types of `properties.revenue`, and of each of its traits.

    `nested` has an example of each property that may be an array or an object: `{"products": [{}]}`. `traits` are those of
    `context.traits`; `top_traits` stand at the top of the call, where nothing reads them.
    """

    revenue: tuple[str, ...] = ()
    nested: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    top_traits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tracked:
    """One track call, planned, listed, written in code or recorded.

    `event` is what is known of the call as a Segment event: all of it when it was recorded.
    """

    name: str
    origin: Origin
    place: Place
    event: Mapping[str, Any] = field(default_factory=dict)
    planned: Planned | None = None


@dataclass(slots=True)
class Reading:
    """What one file or folder held. `passed_over` counts what is not a track call, by its kind.

    `unclear` are track calls in source code whose event name is not written out; `identify_traits` are the traits that
    identify calls set, with the first place of each.
    """

    source: str
    origin: Origin
    tracked: list[Tracked] = field(default_factory=list)
    unclear: list[tuple[Place, str]] = field(default_factory=list)
    identify_traits: dict[str, Place] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)

    def pass_over(self, kind: object) -> None:
        """Count something that is not a track call."""
        name = kind if isinstance(kind, str) and kind else "other"
        self.passed_over[name] = self.passed_over.get(name, 0) + 1
