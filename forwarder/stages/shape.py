"""Checks of a configuration; an error has the place, and the text of Segment's Public API.

The texts are those of https://docs.segmentapis.com/tag/Request-Validation (`"id" is required`), which come from the npm
package joi.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Violation:
    """One error: the field's path, such as `filters[0].title`, and the text."""

    field: str
    message: str


class ShapeError(ValueError):
    """A configuration that is not valid: one line with the first violation and its place; `violations` has all."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(f"{first.field}: {first.message}{more}" if first.field else f"{first.message}{more}")
        self.violations = tuple(violations)


class Shape:
    """One object at `path` being checked; `violations` collects every error."""

    def __init__(self, value: Any, path: str = "", violations: list[Violation] | None = None) -> None:
        self.path = path
        self.violations: list[Violation] = [] if violations is None else violations
        self.is_object = isinstance(value, dict)
        self.value: Mapping[str, Any] = value if isinstance(value, dict) else {}
        if not self.is_object:
            name = path.rpartition(".")[2] or "value"
            self.refuse("", f'"{name}" must be of type object')

    def refuse(self, name: str, message: str) -> None:
        """Adds an error of a field, once; an empty name is the object itself."""
        violation = Violation(".".join(filter(None, (self.path, name))), message)
        if violation not in self.violations:
            self.violations.append(violation)

    def done(self) -> None:
        """Raises `ShapeError` if there is any error."""
        if self.violations:
            raise ShapeError(self.violations)

    def only(self, known: Collection[str]) -> None:
        """Refuses fields that are not `known`."""
        for name in self.value:
            if name not in known:
                self.refuse(str(name), f'"{name}" is not allowed; there are {", ".join(known)}')

    def inside(self, name: str, value: Any) -> Shape:
        """The check of a nested object; its errors are added to this one's."""
        return Shape(value, ".".join(filter(None, (self.path, name))), self.violations)

    def _has(self, name: str, *, required: bool) -> bool:
        if self.value.get(name) is not None:
            return True
        if required and self.is_object:
            self.refuse(name, f'"{name}" is required')
        return False

    def text(self, name: str, *, required: bool = False, most: int | None = None) -> str | None:
        """A string of at most `most` characters, not empty where `required`."""
        if not self._has(name, required=required):
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
        if not self._has(name, required=False):
            return default
        value = self.value[name]
        if isinstance(value, bool):
            return value
        self.refuse(name, f'"{name}" must be a boolean')
        return default

    def one_of(self, name: str, known: Sequence[str], *, required: bool = False) -> str | None:
        """One of the `known` strings."""
        if not self._has(name, required=required):
            return None
        value = self.value[name]
        if value in known:
            return str(value)
        self.refuse(name, f'"{name}" must be one of [{", ".join(known)}]')
        return None

    def fraction(self, name: str) -> float:
        """A required number from 0 to 1."""
        if not self._has(name, required=True):
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
        """A list of at most `most` items."""
        if not self._has(name, required=required):
            return []
        value = self.value[name]
        if not isinstance(value, list):
            self.refuse(name, f'"{name}" must be an array')
            return []
        if most is not None and len(value) > most:
            self.refuse(name, f'"{name}" must contain less than or equal to {most} items')
        return value

    def texts(self, name: str, *, required: bool = False, most: int | None = None) -> tuple[str, ...]:
        """A list of strings that are not empty."""
        texts = []
        for position, item in enumerate(self.items(name, required=required, most=most)):
            if isinstance(item, str) and item:
                texts.append(item)
            else:
                self.refuse(f"{name}[{position}]", f'"{name}[{position}]" must be a string')
        return tuple(texts)
