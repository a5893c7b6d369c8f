"""Base classes of Liquid's tags: they add the place to errors in parsing and rendering."""

from abc import abstractmethod
from io import StringIO
from typing import Any, Final, TextIO

from liquid import Node, RenderContext, Tag, TokenStream
from liquid.ast import BlockNode
from liquid.parser import get_parser
from liquid.token import TOKEN_CONTENT, TOKEN_EOF, TOKEN_OUTPUT, TOKEN_TAG, Token

from optilocal.forwarder.destination.liquid.expressions import FilteredValue
from optilocal.forwarder.destination.liquid.lexer import PlacedToken
from optilocal.forwarder.destination.liquid.reader import place
from optilocal.forwarder.destination.liquid.values import text
from optilocal.forwarder.errors import DestinationError, LiquidParseError, LiquidRenderError

MOST_TEXT: Final = 16_000_000


class LimitedText(StringIO):
    """A template's output with a limit: text that doubles itself in captures would fill the memory."""

    def __init__(self, used: int = 0) -> None:
        super().__init__(newline="")
        self.used = used

    def write(self, written: str) -> int:
        """Adds a text. Raises `DestinationError` beyond the limit."""
        self.used += len(written)
        if self.used > MOST_TEXT:
            raise DestinationError("memory alloc limit exceeded")
        return super().write(written)


class TemplateNode(Node):
    """A part of a template; its errors have their place."""

    def __init__(self, token: Token) -> None:
        super().__init__(token)
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        try:
            self.write(context, buffer)
        except (LiquidParseError, LiquidRenderError):
            raise
        except DestinationError as error:
            raise self._failure(error.message) from error
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # A filter's argument of a wrong type ends the template, and nothing else.
            raise self._failure(str(error)) from error
        return 1

    def _failure(self, message: str) -> LiquidRenderError:
        return LiquidRenderError(place(message, self.token.source, self.token.start_index))

    @abstractmethod
    def write(self, context: RenderContext, buffer: TextIO) -> None:
        """Writes the node's text."""


class TemplateTag(Tag):
    """Parses a node; its errors have their place."""

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
        """Parses the tag at the head of the stream, and leaves the stream at the tag's last token."""

    def body(self, opening: PlacedToken, stream: TokenStream, *ends: str) -> BlockNode:
        """The block up to one of the closing tags, at which the stream is left."""
        next(stream)
        block: BlockNode = get_parser(self.env).parse_block(stream, (*ends, TOKEN_EOF))
        if stream.current.kind == TOKEN_EOF:
            raise DestinationError(f"tag {opening.full_text} not closed")
        return block


class ValueNode(TemplateNode):
    def __init__(self, token: Token, value: FilteredValue) -> None:
        super().__init__(token)
        self.value = value

    def write(self, context: RenderContext, buffer: TextIO) -> None:
        buffer.write(text(self.value.evaluate(context)))


class EnclosingNode(TemplateNode):
    def __init__(self, token: Token, block: BlockNode) -> None:
        super().__init__(token)
        self.content = block

    def write(self, context: RenderContext, buffer: TextIO) -> None:
        self.content.render(context, buffer)


class NothingNode(TemplateNode):
    def write(self, context: RenderContext, buffer: TextIO) -> None:
        """Writes nothing."""
