"""Liquid's tags as Segment allows them, on python-liquid's parser: output, content, and what stands in `{% %}`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final, TextIO

from liquid import Node, RenderContext, Tag, TokenStream
from liquid.ast import BlockNode
from liquid.exceptions import StopRender
from liquid.parser import get_parser
from liquid.token import TOKEN_CONTENT, TOKEN_EOF, TOKEN_ILLEGAL, TOKEN_OUTPUT, TOKEN_TAG, Token

from forwarder.errors import DestinationError, LiquidParseError, LiquidRenderError
from forwarder.javascript import UNDEFINED, Value, to_primitive_string, type_of
from forwarder.js_json import quote
from forwarder.mapping.liquid.expressions import EVENT, Operand, FilteredValue, read_filtered_value, read_value
from forwarder.mapping.liquid.lexer import PlacedToken, tokenize_lines
from forwarder.mapping.liquid.reader import place
from forwarder.mapping.liquid.values import is_true, text

DISABLED: Final = ("case", "for", "include", "layout", "render", "tablerow")


class _Node(Node):
    """A part of a template; what fails in it is reported with its place."""

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        try:
            self.write(context, buffer)
        except (LiquidParseError, LiquidRenderError):
            raise
        except DestinationError as error:
            message = place(error.message, self.token.source, self.token.start_index)
            raise LiquidRenderError(message) from error
        return 1

    @abstractmethod
    def write(self, context: RenderContext, buffer: TextIO) -> None:
        """Writes what the node comes to."""


class _Tag(Tag):
    """Reads a node; what is wrong with it is reported with its place."""

    def parse(self, stream: TokenStream) -> Node:
        token = stream.current
        try:
            if token.kind == TOKEN_TAG and self.name in (TOKEN_CONTENT, TOKEN_OUTPUT):
                raise DestinationError(f'tag "{token.value}" not found')
            return self.read(token, stream)
        except LiquidParseError:
            raise
        except DestinationError as error:
            raise LiquidParseError(place(error.message, token.source, token.start_index)) from error

    @abstractmethod
    def read(self, token: Any, stream: TokenStream) -> Node:
        """Reads the tag at the head of the stream, and leaves the stream at its last token."""

    def body(self, opening: PlacedToken, stream: TokenStream, *ends: str) -> BlockNode:
        """What follows up to one of the closing tags, at which the stream is left."""
        next(stream)
        found: BlockNode = get_parser(self.env).parse_block(stream, (*ends, TOKEN_EOF))
        if stream.current.kind == TOKEN_EOF:
            raise DestinationError(f"tag {opening.full_text} not closed")
        return found


class _Content(_Tag):
    name = TOKEN_CONTENT

    class Content(_Node):
        def write(self, _: RenderContext, buffer: TextIO) -> None:
            buffer.write(self.token.value)

    def read(self, token: Token, _: TokenStream) -> Node:
        return self.Content(token)


class _ValueNode(_Node):
    def __init__(self, token: Token, value: FilteredValue) -> None:
        super().__init__(token)
        self.value = value

    def write(self, context: RenderContext, buffer: TextIO) -> None:
        buffer.write(text(self.value.evaluate(context)))


class _Nothing(_Node):
    def write(self, context: RenderContext, buffer: TextIO) -> None:
        """Writes nothing."""


class _Output(_Tag):
    name = TOKEN_OUTPUT

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        return _ValueNode(token, read_filtered_value(token.reader()))


class _Echo(_Tag):
    name = "echo"

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        reader = token.reader()
        reader.skip_blanks()
        return _Nothing(token) if reader.ended else _ValueNode(token, read_filtered_value(reader))


class _Unknown(_Tag):
    name = TOKEN_ILLEGAL

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        raise DestinationError(f'tag "{token.value}" not found')


class _Disabled(_Tag):
    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        raise DestinationError(f'tag "{token.value}" is disabled')


class _Assign(_Tag):
    name = "assign"

    class Assign(_ValueNode):
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


class _BlockNode(_Node):
    def __init__(self, token: Token, block: BlockNode) -> None:
        super().__init__(token)
        self.content = block

    def write(self, context: RenderContext, buffer: TextIO) -> None:
        self.content.render(context, buffer)


class _Block(_Tag):
    name = "block"

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        return _BlockNode(token, self.body(token, stream, "endblock"))


class _Capture(_Tag):
    name = "capture"

    class Capture(_BlockNode):
        variable: str

        def write(self, context: RenderContext, buffer: TextIO) -> None:
            captured = context.get_buffer(buffer)
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


class _Comment(_Tag):
    name = "comment"

    def read(self, token: PlacedToken, stream: TokenStream) -> Node:
        _skip_to(token, stream, "endcomment")
        return _Nothing(token)


class _Raw(_Tag):
    name = "raw"

    class Raw(_Node):
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


class _InlineComment(_Tag):
    name = "#"

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        lines = token.arguments.split("\n")[1:]
        # A line of blanks is no line; the next one counts in its place.
        if any(not line.lstrip().startswith("#") for line in lines if line.strip()):
            raise DestinationError("every line of an inline comment must start with a '#' character")
        return _Nothing(token)


class _Branches(_Node):
    """Conditions with their blocks, then what is left; `negated` makes the first condition an `unless`."""

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


class _If(_Tag):
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


class _Unless(_Tag):
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


class _Stop(_Tag):
    class Stop(_Node):
        def write(self, context: RenderContext, buffer: TextIO) -> None:
            raise StopRender

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        # There are no loops to break out of or to continue, so both end the template.
        return self.Stop(token)


class _Counter(_Tag):
    class Counter(_Node):
        variable: str

        def write(self, context: RenderContext, buffer: TextIO) -> None:
            event = context.globals[EVENT]
            # The counter lives in the event itself, where later directives find it.
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


class _Cycle(_Tag):
    name = "cycle"

    class Cycle(_Node):
        group: Operand | None
        candidates: list[Operand]

        def write(self, context: RenderContext, buffer: TextIO) -> None:
            group = "undefined" if self.group is None else to_primitive_string(self.group.evaluate(context))
            # Segment's engine tells cycles apart by their group and length alone.
            index = context.cycle((group, len(self.candidates)), len(self.candidates))
            found = self.candidates[index].evaluate(context)
            if found:
                buffer.write(text(found))

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


class _Lines(_Tag):
    name = "liquid"

    def read(self, token: PlacedToken, _: TokenStream) -> Node:
        inner = TokenStream(tokenize_lines(token.reader()))
        return _BlockNode(token, BlockNode(token, get_parser(self.env).parse(inner)))


def _named(tag: type[_Tag], *names: str) -> list[type[_Tag]]:
    return [type(f"{tag.__name__}_{name}", (tag,), {"name": name}) for name in names]


TAGS: Final = [
    _Content, _Output, _Unknown, _Echo, _Assign, _Block, _Capture, _Comment, _Raw, _InlineComment, _If, _Unless, _Cycle, _Lines,
    *_named(_Disabled, *DISABLED),
    *_named(_Stop, "break", "continue"),
    *_named(_Counter, "increment", "decrement"),
]  # fmt: skip
