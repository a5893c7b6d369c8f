"""The stored bytes of a request's body, read as far as they can be: as JSON, as text, or as nothing to be searched."""

import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

from optilocal.emulator.json_text import loads

CUT_TO, SHOWN_RESPONSE = 65_536, 4_096
"""The bytes that are stored of a body that is too large, and of an answer."""
_MOST_UNPACKED = 64_000_000
_MEMBERS, _PIECE = 1_000, 16_384
_LAYERS = 3
# Bytes that no text has: a body with them is compressed or encrypted.
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_READ_AS_IT_IS = ("", "identity", "gzip", "x-gzip")


@dataclass(frozen=True)
class StoredBody:
    """`text` is None when nobody can say what the body holds; `is_json` when `value` is all that it holds."""

    text: str | None
    value: Any = None
    is_json: bool = False


def read_body(raw: bytes, encoding: str = "") -> StoredBody:
    """What a body holds. `encoding` is the request's Content-Encoding.

    What was cut off, does not unpack to its very end or is in an encoding that is not known may hold anything.
    """
    unpacked = _unpacked(raw)
    text = None if unpacked is None else _decoded(unpacked)
    if unpacked is None or text is None:
        return StoredBody(None)
    if not text.strip():
        return StoredBody(text)
    try:
        return StoredBody(text, loads(text, bounded=True), is_json=True)
    except ValueError:
        pass
    cut = len(raw) == CUT_TO
    packed = encoding.strip().lower() not in _READ_AS_IT_IS
    return StoredBody(None if cut or packed or _NO_TEXT.search(text) else text)


def _unpacked(raw: bytes) -> bytes | None:
    for _ in range(_LAYERS):
        gzip = raw[:2] == b"\x1f\x8b"
        # The head of a zlib stream, which `Content-Encoding: deflate` means.
        deflated = (
            len(raw) > 1 and raw[0] & 0x0F == 8 and raw[0] >> 4 < 8 and (raw[0] << 8 | raw[1]) % 31 == 0
        )
        if not gzip and not deflated:
            return raw
        try:
            raw = inflate(raw, _MOST_UNPACKED, gzip=gzip)
        except zlib.error:
            # A text may begin like a zlib stream; a gzip stream begins like no text.
            return None if gzip or _NO_TEXT.search(raw.decode("latin-1")) else raw
        if len(raw) > _MOST_UNPACKED:
            return None
    return None


def inflate(body: bytes, most: int, *, gzip: bool = True) -> bytes:
    """What a gzip body or a zlib stream holds, all its members, at most `most` + 1 bytes. Raises zlib.error."""
    pieces: list[bytes] = []
    size = at = 0
    for _ in range(_MEMBERS):
        unpacker = zlib.decompressobj(wbits=31 if gzip else 15)
        while not unpacker.eof:
            # In pieces: what follows a member is copied with each.
            piece = body[at : at + _PIECE]
            if not piece:
                raise zlib.error("it ends too early")
            pieces.append(unpacker.decompress(piece, most + 1 - size))
            at += len(piece) - len(unpacker.unused_data) - len(unpacker.unconsumed_tail)
            size += len(pieces[-1])
            if size > most:
                return b"".join(pieces)
        if at == len(body):
            return b"".join(pieces)
    raise zlib.error(f"it has more than {_MEMBERS} members")


def _decoded(raw: bytes) -> str | None:
    if b"\x00" in raw:
        # JSON in UTF-16 or UTF-32 has zeros in it, which no other text has.
        try:
            return raw.decode(json.detect_encoding(raw))
        except UnicodeDecodeError:
            return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
