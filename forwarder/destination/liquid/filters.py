"""Liquid's filters as Segment allows them; what it disables fails by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from optilocal.forwarder.destination.liquid import list_filters, number_filters, text_filters, web_filters
from optilocal.forwarder.errors import DestinationError

DISABLED: Final = (
    "array_to_sentence_string", "concat", "find", "find_exp", "find_index", "find_index_exp", "group_by", "group_by_exp",
    "has", "has_exp", "map", "newline_to_br", "reject", "reject_exp", "reverse", "sort", "sort_natural", "type", "uniq",
    "where_exp",
)  # fmt: skip


def _disabled(name: str) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise DestinationError(f'filter "{name}" is disabled')

    return fail


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    **text_filters.FILTERS,
    **number_filters.FILTERS,
    **list_filters.FILTERS,
    **web_filters.FILTERS,
    **{name: _disabled(name) for name in DISABLED},
}
