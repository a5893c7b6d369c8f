"""One segment of the visitors: those of whom an event says that an attribute has a certain value."""

from dataclasses import dataclass
from typing import Any

from optilocal.emulator.batch.row import EventRow


@dataclass(frozen=True)
class Segment:
    """An attribute by its key or its id, and a value as text: `gold`, `5`, `true`."""

    attribute: str
    value: str

    def carried_by(self, row: EventRow) -> bool:
        """Whether the decision or conversion carries the attribute with this value."""
        return any(
            self.attribute in _names(item) and value_text(item.get("value")) == self.value
            for item in row["attributes"]
        )


def _names(item: dict[str, Any]) -> tuple[Any, ...]:
    # Only custom attributes have key and id; others, such as the browser, are called by their type.
    named = (item.get("key"), item.get("entity_id"))
    return named if any(named) else (item.get("type"),)


def value_text(value: object) -> str | None:
    """An attribute's value as one asks for it; None for what cannot be asked for."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return str(value) if isinstance(value, str | int | float) else None
