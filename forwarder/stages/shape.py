"""Checks of what somebody configures, refused with the texts of Segment's Public API and the place.

The texts are those of https://docs.segmentapis.com/tag/Request-Validation (`"id" is required`) and of joi, whose wording
they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is refused: the field's path, `filters[0].title`, and the text."""

    field: str
    message: str


class ShapeError(ValueError):
    """What was configured is refused: one line with the first violation and its place; `violations` has them all."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(f"{first.field}: {first.message}{more}" if first.field else f"{first.message}{more}")
        self.violations = tuple(violations)


class Shape:
    """One object being checked at `path`; everything that is wrong is collected in `violations`."""

    def __init__(self, value: Any, path: str = "", violations: list[Violation] | None = None) -> None:
        self.path = path
        self.violations: list[Violation] = [] if violations is None else violations
        self.is_object = isinstance(value, dict)
        self.value: Mapping[str, Any] = value if isinstance(value, dict) else {}
        if not self.is_object:
            name = path.rpartition(".")[2] or "value"
            self.refuse("", f'"{name}" must be of type object')

    def refuse(self, name: str, message: str) -> None:
        """Notes once what is wrong with a field; an empty name is the object itself."""
        found = Violation(".".join(filter(None, (self.path, name))), message)
        if found not in self.violations:
            self.violations.append(found)

    def done(self) -> None:
        """Raises `ShapeError` when anything was refused."""
        if self.violations:
            raise ShapeError(self.violations)

    def only(self, known: Collection[str]) -> None:
        """Refuses fields that do not exist."""
        for name in self.value:
            if name not in known:
                self.refuse(str(name), f'"{name}" is not allowed; there are {", ".join(known)}')

    def inside(self, name: str, value: Any) -> Shape:
        """The check of an object further in, which collects with this one."""
        return Shape(value, ".".join(filter(None, (self.path, name))), self.violations)

    def _given(self, name: str, *, required: bool) -> bool:
        if self.value.get(name) is not None:
            return True
        if required and self.is_object:
            self.refuse(name, f'"{name}" is required')
        return False

    def text(self, name: str, *, required: bool = False, most: int | None = None) -> str | None:
        """A text that is not empty, of at most so many characters."""
        if not self._given(name, required=required):
            return None
        value = self.value[name]
        if not isinstance(value, str):
            self.refuse(name, f'"{name}" must be a string')
        elif not value and required:
            self.refuse(name, f'"{name}" is not allowed to be empty')
        elif most is not None and len(value) > most:
            self.refuse(name, f'"{name}" length must be less than or equal to {most} characters long')
        else:
            return value
        return None

    def boolean(self, name: str, default: bool) -> bool:
        """True or false."""
        if not self._given(name, required=False):
            return default
        value = self.value[name]
        if isinstance(value, bool):
            return value
        self.refuse(name, f'"{name}" must be a boolean')
        return default

    def one_of(self, name: str, known: Sequence[str], *, required: bool = False) -> str | None:
        """One of some texts."""
        if not self._given(name, required=required):
            return None
        value = self.value[name]
        if value in known:
            return str(value)
        self.refuse(name, f'"{name}" must be one of [{", ".join(known)}]')
        return None

    def fraction(self, name: str) -> float:
        """A number from 0 to 1, which must be there."""
        if not self._given(name, required=True):
            return 0.0
        value = self.value[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, f'"{name}" must be a number')
            return 0.0
        if value < 0:
            self.refuse(name, f'"{name}" must be greater than or equal to 0')
        elif value > 1:
            self.refuse(name, f'"{name}" must be less than or equal to 1')
        return float(value)

    def items(self, name: str, *, required: bool = False, most: int | None = None) -> list[Any]:
        """A list of at most so many items."""
        if not self._given(name, required=required):
            return []
        value = self.value[name]
        if not isinstance(value, list):
            self.refuse(name, f'"{name}" must be an array')
            return []
        if most is not None and len(value) > most:
            self.refuse(name, f'"{name}" must contain less than or equal to {most} items')
        return value

    def texts(self, name: str, *, required: bool = False, most: int | None = None) -> tuple[str, ...]:
        """A list of texts."""
        found = []
        for position, item in enumerate(self.items(name, required=required, most=most)):
            if isinstance(item, str) and item:
                found.append(item)
            else:
                self.refuse(f"{name}[{position}]", f'"{name}[{position}]" must be a string')
        return tuple(found)
