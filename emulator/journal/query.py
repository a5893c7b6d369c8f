"""What a listing is asked for, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from optilocal.emulator.journal.file import STATEMENTS
from optilocal.emulator.json_text import storable


@dataclass(frozen=True)
class Query:
    """`namespace` None means every one; `after` is the number where the last page ended; filters are texts by name."""

    namespace: str | None
    after: int | None = None
    limit: int = 100
    newest: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


def filters_of(listing: str) -> frozenset[str]:
    """The names of the fields that a listing can be filtered by."""
    start = f"filter {listing} "
    return frozenset(name.removeprefix(start) for name in STATEMENTS if name.startswith(start))


def condition(listing: str, query: Query) -> tuple[str, list[str | int | None]]:
    """What makes a row one that is asked for, put together from pieces of `journal.sql`, and the values in it."""
    parts, values = ["1"], list[str | int | None]()
    if query.namespace is not None:
        parts.append(STATEMENTS["part of namespace"])
        values.append(query.namespace)
    for name, value in query.filters.items():
        piece = STATEMENTS[f"filter {listing} {name}"]
        parts.append(piece)
        values += [storable(value)] * piece.count("?")
    if query.text:
        piece = STATEMENTS[f"search {listing}"]
        pattern = "".join("\\" + c if c in "%_\\" else c for c in storable(query.text) or "")
        parts.append(piece)
        values += [f"%{pattern}%"] * piece.count("?")
    if query.after is not None:
        parts.append(STATEMENTS["part before" if query.newest else "part after"])
        values.append(query.after)
    return " AND ".join(parts), values
