"""The rows of a damaged SQLite file, read page by page without SQLite: a damaged page costs its own rows and no others.

File and log as https://www.sqlite.org/fileformat.html has them. The file is opened by whoever asks, and stays open:
closing it would take the locks of this process's own connections away.
"""

import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

Value = int | float | str | bytes | None

PAGE_SIZE = 4_096
_TABLE_LEAF = 0x0D
_LOG_HEAD, _FRAME_HEAD = 32, 24
_LOG_MAGIC = (0x377F0682, 0x377F0683)
_MOST_COLUMNS = 100
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Row(NamedTuple):
    """One row of a table; the value of a column that is the row's number is None."""

    number: int
    values: tuple[Value, ...]


class LogEnd(NamedTuple):
    """A log's two salts, and the number of its frames up to its last commit."""

    salts: bytes
    frames: int


def log_end(log: Path) -> LogEnd | None:
    """Where a write-ahead log says that it ends, whatever its checksums say; None when it holds no commit.

    SQLite reads a log up to the first frame that does not hold together, and takes that for its end.
    """
    end: LogEnd | None = None
    for number, head in _frames(log):
        if end is None or head.salts == end.salts:
            if head.commits:
                end = LogEnd(head.salts, number)
        else:
            break
    return end


def read_rows(file: int, log: Path) -> Iterator[Row]:
    """Every readable row of every table, in no order, from an open file and its write-ahead log."""
    pages = _Pages(file, log)
    free = pages.free()
    for number in range(1, pages.count + 1):
        if number not in free:
            yield from pages.rows(number)


class _FrameHead(NamedTuple):
    page: int
    commits: int
    salts: bytes
    checksum: tuple[int, int]
    at: int


def _frames(log: Path) -> Iterator[tuple[int, _FrameHead]]:
    """The frames of a log that have its salts, by number from 1; where the log's head is damaged, the first frame's
    salts.
    """
    try:
        size = log.stat().st_size
    except OSError:
        return
    with log.open("rb") as opened:
        head = opened.read(_LOG_HEAD)
        if len(head) < _LOG_HEAD:
            return
        step = _FRAME_HEAD + _page_size_of_log(head)
        salts = head[16:24] if _is_sound(head) else None
        for number in range(1, (size - _LOG_HEAD) // step + 1):
            at = _LOG_HEAD + (number - 1) * step
            opened.seek(at)
            page, commits, mine, first, second = struct.unpack(">II8sII", opened.read(_FRAME_HEAD))
            salts = salts or mine
            if mine == salts:
                yield number, _FrameHead(page, commits, mine, (first, second), at)


def _page_size_of_log(head: bytes) -> int:
    size = int.from_bytes(head[8:12], "big")
    return size if _is_page_size(size) else PAGE_SIZE


def _is_page_size(size: int) -> bool:
    return 512 <= size <= 65_536 and size & (size - 1) == 0


def _is_sound(head: bytes) -> bool:
    magic, *_, first, second = struct.unpack(">8I", head)
    return magic in _LOG_MAGIC and _checksum((0, 0), head[:24], _order(head)) == (first, second)


def _order(head: bytes) -> str:
    """Whether the checksum's words are little-endian."""
    return ">" if head[3] == 0x83 else "<"


def _checksum(before: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    first, second = before
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one in words:
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + next(words) + first) & 0xFFFFFFFF
    return first, second


class _Pages:
    """The pages of a file with those of its log in their place."""

    def __init__(self, file: int, log: Path) -> None:
        self._file = file
        size = os.fstat(file).st_size
        head = os.pread(file, 100, 0)
        stored = int.from_bytes(head[16:18], "big")
        self.size = 65_536 if stored == 1 else stored if _is_page_size(stored) else PAGE_SIZE
        self._newer = self._of_log(log)
        self.count = max(-(-size // self.size), *self._newer, 0)

    def _of_log(self, log: Path) -> Mapping[int, bytes]:
        """The newest committed and valid page of each number in the log."""
        committed: dict[int, bytes] = {}
        waiting: dict[int, bytes] = {}
        try:
            content = log.read_bytes()
        except OSError:
            return committed
        order = _order(content[:_LOG_HEAD].ljust(_LOG_HEAD, b"\0"))
        step = _page_size_of_log(content[:_LOG_HEAD].ljust(12, b"\0")) + _FRAME_HEAD
        for number, head in _frames(log):
            # Each frame's checksum continues that of the frame before, so each can be checked by itself.
            before = content[24:32] if number == 1 else content[head.at - step + 16 : head.at - step + 24]
            page = content[head.at + _FRAME_HEAD : head.at + step]
            summed = _checksum(struct.unpack(">II", before), content[head.at : head.at + 8] + page, order)
            if summed == head.checksum and len(page) == self.size:
                waiting[head.page] = page
            if head.commits:
                committed.update(waiting)
                waiting.clear()
        return committed

    def page(self, number: int) -> bytes:
        """One page, padded with zeros where the file is too short."""
        newer = self._newer.get(number)
        return newer or os.pread(self._file, self.size, (number - 1) * self.size).ljust(self.size, b"\0")

    def free(self) -> set[int]:
        """The pages in the file's free list, whose rows were deleted."""
        free: set[int] = set()
        trunk = int.from_bytes(self.page(1)[32:36], "big")
        while 1 < trunk <= self.count and trunk not in free:
            free.add(trunk)
            page = self.page(trunk)
            trunk, total = struct.unpack_from(">II", page)
            leaves = min(total, self.size // 4 - 2)
            free.update(struct.unpack_from(f">{leaves}I", page, 8))
        return free

    def rows(self, number: int) -> Iterator[Row]:
        """The valid rows of a table's leaf page."""
        page = self.page(number)
        start = 100 if number == 1 else 0
        if page[start] != _TABLE_LEAF:
            return
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        for index in range(min(cells, self.size // 4)):
            at = int.from_bytes(page[start + 8 + 2 * index : start + 10 + 2 * index], "big")
            try:
                size, at = _varint(page, at)
                row, at = _varint(page, at)
                yield Row(row, _record(self._payload(page, at, size)))
            except (ValueError, IndexError, struct.error):
                continue

    def _payload(self, page: bytes, at: int, size: int) -> bytes:
        """A row's bytes, with those in its overflow pages."""
        if size > self.count * self.size:
            raise ValueError("longer than the file")
        most = self.size - 35
        if size <= most:
            return page[at : at + size]
        least = (self.size - 12) * 32 // 255 - 23
        here = least + (size - least) % (self.size - 4)
        here = here if here <= most else least
        pieces, left = [page[at : at + here]], size - here
        following = int.from_bytes(page[at + here : at + here + 4], "big")
        while left > 0:
            if not 1 < following <= self.count:
                raise ValueError("it breaks off")
            more = self.page(following)
            following = int.from_bytes(more[:4], "big")
            pieces.append(more[4 : 4 + min(left, self.size - 4)])
            left -= self.size - 4
        return b"".join(pieces)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9


def _record(payload: bytes) -> tuple[Value, ...]:
    """The values of a row. Raises ValueError or IndexError for bytes that are not a row."""
    head, at = _varint(payload, 0)
    kinds = []
    while at < head:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if at != head or not kinds or len(kinds) > _MOST_COLUMNS:
        raise ValueError("no row")
    values = []
    for kind in kinds:
        size = _INTEGERS.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        if kind in (10, 11) or at + size > len(payload):
            raise ValueError("no row")
        values.append(_value(kind, payload[at : at + size]))
        at += size
    if at != len(payload):
        raise ValueError("no row")
    return tuple(values)


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in _INTEGERS:
        return int.from_bytes(data, "big", signed=True)
    if kind == 7:
        return float(struct.unpack(">d", data)[0])
    if kind in (8, 9):
        return kind - 8
    return data if kind % 2 == 0 else data.decode("utf-8", "replace")
