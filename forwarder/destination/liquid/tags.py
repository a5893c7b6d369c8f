"""Liquid's tags as Segment allows them, on python-liquid's parser: content, outputs, and tags without an end tag."""

from typing import Any, Final, TextIO

from liquid import Node, RenderContext, TokenStream
from liquid.ast import BlockNode
from liquid.exceptions import StopRender
from liquid.parser import get_parser
from liquid.token import TOKEN_CONTENT, TOKEN_ILLEGAL, TOKEN_OUTPUT, Token

from optilocal.forwarder.destination.liquid.block_tags import BLOCK_TAGS
from optilocal.forwarder.destination.liquid.expressions import EVENT, Operand, read_filtered_value, read_value
from optilocal.forwarder.destination.liquid.lexer import PlacedToken, tokenize_lines
from optilocal.forwarder.destination.liquid.nodes import (
    EnclosingNode,
    NothingNode,
    TemplateNode,
    TemplateTag,
    ValueNode,
)
from optilocal.forwarder.destination.liquid.values import text
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.values import UNDEFINED, Value, to_primitive_string, type_of

DISABLED: Final = ("case", "for", "include", "layout", "render", "tablerow")


class _Content(TemplateTag):
    name = TOKEN_CONTENT

    class Content(TemplateNode):
        def write(self, _: RenderContext, buffer: TextIO) -> None:
            buffer.write(self.token.value)

    def read(self, token: Token, _: TokenStream) -> Node:
        return self.Content(token)


class _Output(TemplateTag):
    name = TOKEN_OUTPUT

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        return ValueNode(token, read_filtered_value(token.reader()))


class _Echo(TemplateTag):
    name = "echo"

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        reader = token.reader()
        reader.skip_blanks()
        return NothingNode(token) if reader.ended else ValueNode(token, read_filtered_value(reader))


class _Unknown(TemplateTag):
    name = TOKEN_ILLEGAL

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        raise DestinationError(f'tag "{token.value}" not found')


class _Disabled(TemplateTag):
    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        raise DestinationError(f'tag "{token.value}" is disabled')


class _Assign(TemplateTag):
    name = "assign"

    class Assign(ValueNode):
        variable: str

        def write(self, context: RenderContext, _: TextIO) -> None:
            context.assign(self.variable, self.value.evaluate(context))

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        reader = token.reader()
        variable = reader.read_name()
        if not variable:
            raise reader.error("expected variable name")
        reader.skip_blanks()
        if reader.peek() != "=":
            raise reader.error('expected "="')
        reader.at += 1
        node = self.Assign(token, read_filtered_value(reader))
        node.variable = variable
        return node


class _InlineComment(TemplateTag):
    name = "#"

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        lines = token.arguments.split("\n")[1:]
        # Lines of blanks do not count.
        if any(not line.lstrip().startswith("#") for line in lines if line.strip()):
            raise DestinationError("every line of an inline comment must start with a '#' character")
        return NothingNode(token)


class _Stop(TemplateTag):
    class Stop(TemplateNode):
        def write(self, _: RenderContext, __: TextIO) -> None:
            raise StopRender

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        # Without loops, both break and continue end the template.
        return self.Stop(token)


class _Counter(TemplateTag):
    class Counter(TemplateNode):
        variable: str

        def write(self, context: RenderContext, buffer: TextIO) -> None:
            event = context.globals[EVENT]
            # The counter is in the event itself, where later directives read it.
            counters: dict[str, Value] = event if isinstance(event, dict) else context.counters
            count = counters.get(self.variable, UNDEFINED)
            count = count if type_of(count) == "number" else 0
            step = 1 if self.token.value == "increment" else -1
            counters[self.variable] = count + step
            buffer.write(text(count if step == 1 else count + step))

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        node = self.Counter(token)
        node.variable = token.reader().read_name()
        return node


class _Cycle(TemplateTag):
    name = "cycle"

    class Cycle(TemplateNode):
        group: Operand | None
        candidates: list[Operand]

        def write(self, context: RenderContext, buffer: TextIO) -> None:
            group = "undefined" if self.group is None else to_primitive_string(self.group.evaluate(context))
            # Segment's engine distinguishes cycles by their group and length alone.
            index = context.cycle((group, len(self.candidates)), len(self.candidates))
            value = self.candidates[index].evaluate(context)
            if value:
                buffer.write(text(value))

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        reader = token.reader()
        node = self.Cycle(token)
        node.group, node.candidates = None, []
        first = read_value(reader)
        reader.skip_blanks()
        if first is not None:
            if reader.peek() == ":":
                node.group = first
                reader.at += 1
            else:
                node.candidates.append(first)
        while not reader.ended:
            candidate = read_value(reader)
            if candidate is not None:
                node.candidates.append(candidate)
            reader.read_past(",")
        if not node.candidates:
            raise reader.error(f'empty candidates: "{token.full_text}"')
        return node


class _Lines(TemplateTag):
    name = "liquid"

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        inner = TokenStream(tokenize_lines(token.reader()))
        return EnclosingNode(token, BlockNode(token, get_parser(self.env).parse(inner)))


def _named(tag: type[TemplateTag], *names: str) -> list[type[TemplateTag]]:
    return [type(f"{tag.__name__}_{name}", (tag,), {"name": name}) for name in names]


TAGS: Final[list[Any]] = [
    *BLOCK_TAGS,
    _Content, _Output, _Unknown, _Echo, _Assign, _InlineComment, _Cycle, _Lines,
    *_named(_Disabled, *DISABLED),
    *_named(_Stop, "break", "continue"),
    *_named(_Counter, "increment", "decrement"),
]  # fmt: skip
