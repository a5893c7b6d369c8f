"""Splits a template into python-liquid's tokens: content, tags, outputs, with whitespace control."""

from collections.abc import Iterator

from liquid.token import TOKEN_CONTENT, TOKEN_OUTPUT, TOKEN_TAG, Token

from optilocal.forwarder.destination.liquid.reader import BLANKS, Reader


class PlacedToken(Token):
    """A token with its positions in the source; `value` is a tag's name or the text of content."""

    inner_at: int
    inner_stop: int
    end: int
    trim_left: bool
    trim_right: bool

    @property
    def full_text(self) -> str:
        """The token's text in the template, with its delimiters."""
        return self.source[self.start_index : self.end]

    @property
    def arguments(self) -> str:
        """What follows a tag's name."""
        return self.source[self.inner_at : self.inner_stop]

    def reader(self) -> Reader:
        """A cursor over what follows a tag's name, or over an output's inside."""
        return Reader(self.source, self.inner_at, self.inner_stop)


def tokenize(source: str) -> Iterator[Token]:
    """Splits a template. Raises `LiquidTokenizationError` for a tag or output that is not closed."""
    tokens = list(_top_level(Reader(source)))
    return iter(_trimmed(tokens))


def tokenize_lines(reader: Reader) -> Iterator[Token]:
    """The tags inside a `liquid` tag, one a line, without delimiters."""
    while not reader.ended:
        reader.skip_blanks()
        if reader.ended:
            return
        start = reader.at
        reader.read_delimited("\n")
        yield _tag(reader, start, (start, reader.at), "illegal liquid tag syntax")


def _top_level(reader: Reader) -> Iterator[PlacedToken]:
    while not reader.ended:
        start = reader.at
        if reader.starts_with("{%"):
            if not reader.read_delimited("%}"):
                raise reader.error(f"tag {reader.snapshot(start)} not closed", start)
            message = "illegal tag syntax, tag name expected"
            token = _tag(reader, start, (start + 2, reader.at - 2), message)
            yield token
            if token.value == "raw" and not reader.ended:
                yield from _raw(reader, start)
        elif reader.starts_with("{{"):
            if not reader.read_delimited("}}", respect_quotes=True):
                raise reader.error(f"output {reader.snapshot(start)} not closed", start)
            yield _delimited(TOKEN_OUTPUT, "", reader, start, (start + 2, reader.at - 2))
        else:
            ends = [at for at in (reader.source.find(mark, start) for mark in ("{%", "{{")) if at >= 0]
            reader.at = min(ends, default=reader.stop)
            yield _content(reader, start)


def _raw(reader: Reader, opened: int) -> Iterator[PlacedToken]:
    begin = reader.at
    left = reader.at - 2 if reader.read_past("{%") else -3
    while not reader.ended:
        if reader.read_name() != "endraw":
            left = reader.at - 2 if reader.read_past("{%") else -3
            continue
        while reader.at <= reader.stop:
            if reader.follows("%}"):
                end = reader.at
                if begin != left:
                    reader.at = left
                    yield _content(reader, begin)
                reader.at = end
                yield _tag(reader, left, (left + 2, end - 2), "illegal tag syntax, tag name expected")
                return
            if reader.follows("{%"):
                break
            reader.at += 1
    raise reader.error(f"raw {reader.snapshot(opened)} not closed", begin)


def _content(reader: Reader, start: int) -> PlacedToken:
    token = PlacedToken(TOKEN_CONTENT, reader.source[start : reader.at], start, reader.source)
    token.end = reader.at
    token.trim_left = token.trim_right = False
    return token


def _delimited(kind: str, name: str, reader: Reader, start: int, inner: tuple[int, int]) -> PlacedToken:
    token = PlacedToken(kind, name, start, reader.source)
    token.end = reader.at
    source = reader.source
    at, stop = inner
    token.trim_left = source[at : at + 1] == "-"
    token.trim_right = source[stop - 1 : stop] == "-"
    at, stop = at + token.trim_left, stop - token.trim_right
    while at < stop and source[at] in BLANKS:
        at += 1
    while stop > at and source[stop - 1] in BLANKS:
        stop -= 1
    token.inner_at, token.inner_stop = at, stop
    return token


def _tag(reader: Reader, start: int, inner: tuple[int, int], message: str) -> PlacedToken:
    unnamed = _delimited(TOKEN_TAG, "", reader, start, inner)
    inside = unnamed.reader()
    inside.skip_blanks()
    # This reads the source directly: `peek` would stop at the end of an empty tag.
    is_comment = inside.source[inside.at : inside.at + 1] == "#"
    name = inside.take() if is_comment else inside.read_name()
    if not name:
        raise inside.error(message)
    inside.skip_blanks()
    token = PlacedToken(TOKEN_TAG, name, start, reader.source)
    token.end, token.trim_left, token.trim_right = unnamed.end, unnamed.trim_left, unnamed.trim_right
    token.inner_at, token.inner_stop = inside.at, unnamed.inner_stop
    return token


def _trimmed(tokens: list[PlacedToken]) -> list[Token]:
    texts: dict[int, str] = {
        index: token.value for index, token in enumerate(tokens) if token.kind == TOKEN_CONTENT
    }
    blanks = "".join(BLANKS)
    in_raw = False
    for index, token in enumerate(tokens):
        if token.kind == TOKEN_CONTENT:
            continue
        if not in_raw and token.trim_left and index - 1 in texts:
            texts[index - 1] = texts[index - 1].rstrip(blanks)
        if token.kind == TOKEN_TAG and token.value in ("raw", "endraw"):
            in_raw = token.value == "raw"
        if not in_raw and token.trim_right and index + 1 in texts:
            texts[index + 1] = texts[index + 1].lstrip(blanks)
    return [
        Token(TOKEN_CONTENT, texts[index], token.start_index, token.source) if index in texts else token
        for index, token in enumerate(tokens)
    ]
