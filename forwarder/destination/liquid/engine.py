"""The engine: python-liquid with Segment's tags, filters and limits."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LiquidError
from liquid.token import Token

from optilocal.forwarder.destination.liquid import (
    dates,
    list_filters,
    number_filters,
    tags,
    text_filters,
    web_filters,
)
from optilocal.forwarder.destination.liquid.expressions import EVENT
from optilocal.forwarder.destination.liquid.lexer import tokenize
from optilocal.forwarder.destination.liquid.nodes import LimitedText
from optilocal.forwarder.destination.mapping.directives import Resolve
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.values import Value, utf16_length

MAX_LENGTH: Final = 1000
DISABLED_FILTERS: Final = (
    "array_to_sentence_string", "concat", "find", "find_exp", "find_index", "find_index_exp", "group_by", "group_by_exp",
    "has", "has_exp", "map", "newline_to_br", "reject", "reject_exp", "reverse", "sort", "sort_natural", "type", "uniq",
    "where_exp",
)  # fmt: skip
"""Filters that fail by name at Segment."""


class SegmentLiquid(Environment):
    """python-liquid's environment with Segment's tags and filters in place of its own."""

    block_nesting_limit = MAX_LENGTH
    suppress_blank_control_flow_blocks = False

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        return tokenize

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002
        for tag in tags.TAGS:
            self.add_tag(tag)
        for module in (text_filters, number_filters, list_filters, web_filters, dates):
            self.filters.update(module.FILTERS)
        self.filters.update({name: _disabled(name) for name in DISABLED_FILTERS})


def _disabled(name: str) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise DestinationError(f'filter "{name}" is disabled')

    return fail


_ENVIRONMENT: Final = SegmentLiquid()


@lru_cache(maxsize=512)
def _compile(template: str) -> BoundTemplate:
    try:
        return _ENVIRONMENT.from_string(template)
    except LiquidError as error:
        if isinstance(error.__cause__, DestinationError):
            raise error.__cause__ from None
        raise DestinationError(str(error)) from error


def render(template: str, event: Value) -> str:
    """Renders a template; its variables are the event's fields.

    Raises `LiquidTokenizationError`, `LiquidParseError` or `LiquidRenderError`.
    """
    compiled = _compile(template)
    output = LimitedText()
    compiled.render_with_context(RenderContext(compiled, globals={EVENT: event}), output)
    return output.getvalue()


def liquid_directive(template: Value, event: Value, _: Resolve) -> str:
    """Directive @liquid. Raises `DestinationError` for a template that is not a string or too long, and as `render`
    does.
    """
    if not isinstance(template, str):
        raise DestinationError("liquid template value must be a string")
    if utf16_length(template) > MAX_LENGTH:
        raise DestinationError(f"liquid template values are limited to {MAX_LENGTH} characters")
    return render(template, event) if template else ""
