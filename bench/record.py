"""What one bench found, as it is kept in bench/results and read by the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import rounded


@dataclass(frozen=True)
class Figure:
    """One measured value; `of` is whose it is."""

    what: str
    of: str
    value: float
    unit: str
    note: str = ""


@dataclass(frozen=True)
class Goal:
    """A value that is to be at most, or at least, `floor`, better still `aim`; `aim` None where there is no better."""

    what: str
    value: float
    floor: float
    aim: float | None = None
    at_least: bool = False
    unit: str = ""

    @property
    def reached(self) -> str:
        """Which of the two holds: "aim", "floor" or "no"."""

        def holds(bound: float) -> bool:
            return self.value >= bound if self.at_least else self.value <= bound

        if self.aim is not None and holds(self.aim):
            return "aim"
        return "floor" if holds(self.floor) else "no"

    @property
    def bound(self) -> str:
        """The floor and the aim in words."""
        both = rounded(self.floor) + ("" if self.aim is None else f" / {rounded(self.aim)}")
        return f"{'≥' if self.at_least else '≤'} {both}{self.unit and f' {self.unit}'}"


@dataclass
class Record:
    """One bench, one run. `said` is what could not be measured, and why."""

    bench: str
    about: Mapping[str, Any]
    how: Mapping[str, Any] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def add(self, what: str, of: str, value: float, unit: str, note: str = "") -> None:
        """One more figure."""
        self.figures.append(Figure(what, of, value, unit, note))

    def value(self, what: str, of: str) -> float | None:
        """The figure of that name, or None."""
        return next((one.value for one in self.figures if (one.what, one.of) == (what, of)), None)

    def write(self, folder: Path) -> Path:
        """Keep it in `<folder>/<bench>.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.bench}.json"
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False, default=str)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Record:
        """What `write` kept."""
        found = json.loads(path.read_text(encoding="utf-8"))
        found["goals"] = [Goal(**one) for one in found["goals"]]
        found["figures"] = [Figure(**one) for one in found["figures"]]
        return cls(**found)

    def lines(self) -> Sequence[str]:
        """The record in words, for a terminal."""
        shown = [f"{self.bench}: {', '.join(f'{name} {value}' for name, value in self.how.items())}"]
        shown += [f"  {name}: {value}" for name, value in self.about.items()]
        for one in self.figures:
            note = f"  ({one.note})" if one.note else ""
            shown.append(f"  {one.what:<44} {one.of:<32} {rounded(one.value):>10} {one.unit}{note}")
        for goal in self.goals:
            mark = {"aim": "✓✓", "floor": "✓", "no": "✗"}[goal.reached]
            shown.append(f"  {mark:<2} {goal.what}: {rounded(goal.value)} {goal.unit} (wanted {goal.bound})")
        shown += [f"  not measured: {line}" for line in self.said]
        return shown
