"""Liquid's tags with an end tag: conditions, capture, comment, raw, block."""

from typing import Any, Final, TextIO

from liquid import Node, RenderContext, TokenStream
from liquid.ast import BlockNode
from liquid.token import TOKEN_EOF, Token

from optilocal.forwarder.destination.liquid.expressions import FilteredValue, read_filtered_value, read_value
from optilocal.forwarder.destination.liquid.lexer import PlacedToken
from optilocal.forwarder.destination.liquid.nodes import (
    EnclosingNode,
    LimitedText,
    NothingNode,
    TemplateNode,
    TemplateTag,
)
from optilocal.forwarder.destination.liquid.values import is_true
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.json import quote


class _Block(TemplateTag):
    name = "block"

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        return EnclosingNode(token, self.body(token, stream, "endblock"))


class _Capture(TemplateTag):
    name = "capture"

    class Capture(EnclosingNode):
        variable: str

        def write(self, context: RenderContext, buffer: TextIO) -> None:
            captured = LimitedText(getattr(buffer, "used", 0))
            self.content.render(context, captured)
            context.assign(self.variable, captured.getvalue())

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        reader = token.reader()
        variable = reader.read_name()
        if not variable:
            quoted = read_value(reader) if reader.peek() in ("'", '"') else None
            if quoted is None:
                raise reader.error("invalid capture name")
            variable = str(getattr(quoted, "value", ""))
        node = self.Capture(token, self.body(token, stream, "endcapture"))
        node.variable = variable
        return node


class _Comment(TemplateTag):
    name = "comment"

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        _skip_to(token, stream, "endcomment")
        return NothingNode(token)


class _Raw(TemplateTag):
    name = "raw"

    class Raw(TemplateNode):
        content: str

        def write(self, _: RenderContext, buffer: TextIO) -> None:
            buffer.write(self.content)

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        node = self.Raw(token)
        last = _skip_to(token, stream, "endraw")
        node.content = token.source[token.end : last.start_index]
        return node


def _skip_to(token: PlacedToken, stream: TokenStream, end: str) -> Token:
    while not stream.current.is_tag(end):
        if stream.current.kind == TOKEN_EOF:
            raise DestinationError(f"tag {token.full_text} not closed")
        next(stream)
    return stream.current


class _Branches(TemplateNode):
    """Conditions with their blocks, and the `else` block; `negated` makes the first condition an `unless`."""

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.branches: list[tuple[FilteredValue, BlockNode]] = []
        self.otherwise: BlockNode | None = None
        self.negated = False

    def write(self, context: RenderContext, buffer: TextIO) -> None:
        for index, (condition, block) in enumerate(self.branches):
            if is_true(condition.evaluate(context)) != (self.negated and index == 0):
                block.render(context, buffer)
                return
        if self.otherwise is not None:
            self.otherwise.render(context, buffer)


class _If(TemplateTag):
    name = "if"

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        node = _Branches(token)
        condition = read_filtered_value(token.reader())
        has_else = False
        while True:
            block = self.body(token, stream, "elsif", "else", "endif")
            if has_else:
                node.otherwise = block
            else:
                node.branches.append((condition, block))
            closing: Any = stream.current
            if closing.value == "elsif":
                if has_else:
                    raise DestinationError("unexpected elsif after else")
                condition = read_filtered_value(closing.reader())
                continue
            if closing.arguments:
                raise DestinationError(f"unexpected {quote(closing.arguments)}")
            if closing.value == "endif":
                return node
            if has_else:
                raise DestinationError("duplicated else")
            has_else = True


class _Unless(TemplateTag):
    name = "unless"

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        node = _Branches(token)
        node.negated = True
        condition: FilteredValue | None = read_filtered_value(token.reader())
        elses = 0
        while True:
            block = self.body(token, stream, "elsif", "else", "endunless")
            if condition is not None:
                node.branches.append((condition, block))
            elif elses == 1 and node.otherwise is None:
                node.otherwise = block
            closing: Any = stream.current
            if closing.value == "endunless":
                return node
            condition = None
            if closing.value == "else":
                elses += 1
            elif elses == 0:
                condition = read_filtered_value(closing.reader())


BLOCK_TAGS: Final = [_Block, _Capture, _Comment, _If, _Raw, _Unless]
