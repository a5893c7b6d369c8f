"""The bytes of one `POST /v1/events` → event batch with every violation found; batch → decisions and conversions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.event_row import EventRow, Note


@dataclass(frozen=True)
class ParsedBatch:
    """One request body, read as far as it can be. `batch` is None when the body is not a JSON object."""

    batch: dict[str, Any] | None
    text: str
    is_object: bool
    violations: tuple[Note, ...]
    warnings: tuple[Note, ...]
    decisions: tuple[EventRow, ...]
    conversions: tuple[EventRow, ...]

    @property
    def rows(self) -> tuple[EventRow, ...]:
        """Decisions and conversions together, decisions first."""
        return self.decisions + self.conversions


def parse(body: bytes, *, headers: Mapping[str, str], received_at: int) -> ParsedBatch:
    """Read a body that is no longer compressed. Never raises for what was sent; `received_at` is epoch milliseconds."""
    raise NotImplementedError


def strict(parsed: ParsedBatch) -> list[Note]:
    """The violations for which a request with `X-Optimizely-Strict: true` is answered 400."""
    raise NotImplementedError
