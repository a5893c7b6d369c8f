"""What a listing is asked for, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.journal_file import STATEMENTS


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
