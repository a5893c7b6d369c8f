"""What was taken in and is not indexed yet: an append-only file beside the journal, in segments, read back after a kill."""

import contextlib
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import IO, NamedTuple

from optilocal.serving.clock import monotonic

# Each record: length and checksum of the rest, then time of receipt, kind, and the lengths of namespace and head.
_FRAME = struct.Struct("<II")
_TIME = struct.Struct("<q")
_LENGTHS = struct.Struct("<BHI")
_START = _TIME.size + _LENGTHS.size
_MAGIC = b"optilocal requests 1\n"
# A segment that is longer is followed by a new one, and goes away once it is read.
_SEGMENT = 16_000_000
_READ = 512_000
# The share of the time that capture is at work from which on it has none to spare.
_BUSY = 0.4


class Kind(IntEnum):
    """What a record's head holds.

    Of a plain event batch, answered 204, the headers with secrets masked; of any other request the whole exchange, `WHOLE`
    when nothing in it counts, `COUNTING` when its body is an event batch that was taken in. Each as JSON.
    """

    PLAIN = 0
    WHOLE = 1
    COUNTING = 2


class Captured(NamedTuple):
    """One request: `at` is epoch milliseconds."""

    at: int
    namespace: str
    head: str
    body: bytes
    kind: Kind = Kind.PLAIN


class Position(NamedTuple):
    """A place in the log: how much of a segment is read."""

    segment: str
    offset: int


_KINDS = tuple(Kind)


def names(namespace: str, head: str, kind: Kind = Kind.PLAIN) -> bytes:
    """The part of a record that is the same for all plain requests of one client to one namespace."""
    space, text = namespace.encode(), head.encode()
    return _LENGTHS.pack(kind, len(space), len(text)) + space + text


def packed(at: int, named: bytes, body: bytes | bytearray) -> bytes:
    """A request as one record: when it came, `names` of where and how, and its body."""
    record = b"".join((_TIME.pack(at), named, body))
    return _FRAME.pack(len(record), zlib.crc32(record)) + record


def _unpacked(record: bytes) -> Captured:
    (at,), (kind, space, head) = _TIME.unpack_from(record), _LENGTHS.unpack_from(record, _TIME.size)
    middle, end = _START + space, _START + space + head
    return Captured(
        at, record[_START:middle].decode(), record[middle:end].decode(), record[end:], _KINDS[kind]
    )


def records(data: bytes) -> Iterator[tuple[Captured, int]]:
    """The whole records in what was read of a segment, each with the offset of its end; a torn one ends it."""
    offset = 0
    while offset + _FRAME.size <= len(data):
        length, check = _FRAME.unpack_from(data, offset)
        start, end = offset + _FRAME.size, offset + _FRAME.size + length
        if end > len(data) or length < _START or zlib.crc32(record := data[start:end]) != check:
            return
        yield _unpacked(record), end
        offset = end


class RequestLog:
    """The requests of one process, beside the journal at `beside`; `token` sets it apart from other processes' logs.

    Anybody appends; one at a time reads. What `append` has returned from survives the death of the process; a
    power cut can take the last seconds of it, as of the journal itself.
    """

    def __init__(self, beside: Path, token: str) -> None:
        self._beside, self._token = beside, token
        self._lock = threading.Lock()
        self._segments: list[tuple[Path, IO[bytes]]] = []
        self._made = 0
        self._size = 0
        self._read = 0
        self._finished: list[str | None] = []
        self.written = self.taken = 0
        # Seconds that whoever appends has been at work, all told.
        self.worked = 0.0

    @property
    def pending(self) -> int:
        """How many requests are not read yet."""
        return self.written - self.taken

    def append(self, record: bytes, count: int = 1) -> None:
        """Write one record, or several put together. Raises OSError; what was written of it then is taken back."""
        with self._lock:
            if not self._segments or self._size >= _SEGMENT:
                self._open()
            file = self._segments[-1][1]
            try:
                if file.write(record) != len(record):
                    raise OSError("the disk is full")
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(file.fileno(), self._size)
                    file.seek(self._size)
                raise
            self._size += len(record)
            self.written += count

    def _open(self) -> None:
        path = Path(f"{self._beside}-requests-{self._token}-{self._made}")
        file = path.open("xb", buffering=0)
        try:
            _claim(file)
            file.write(_MAGIC)
        except OSError:
            file.close()
            path.unlink()
            raise
        self._segments.append((path, file))
        self._made += 1
        self._size = len(_MAGIC)
        if len(self._segments) == 1:
            self._read = len(_MAGIC)

    def next(self, most: int) -> tuple[list[Captured], Position] | None:
        """The next requests, at most so many, and where they end; None when there are none.

        They are given again until `done` is told of their end.
        """
        with self._lock:
            if not self.pending:
                return None
            # It was read to its end before it had a successor.
            while len(self._segments) > 1 and self._read >= self._segments[0][1].tell():
                self._finish_first()
            path, file = self._segments[0]
            last = len(self._segments) == 1
            size = self._size if last else file.tell()
        found: list[Captured] = []
        end = self._read
        for captured, after in records(_slice(path, self._read, size)):
            found.append(captured)
            end = self._read + after
            if len(found) >= most:
                break
        if not found:
            raise OSError(f"{path} cannot be read back")
        return found, Position(path.name, end)

    def done(self, count: int, position: Position) -> list[str | None]:
        """So many requests up to a position are in the journal; the names of segments that are of no more use."""
        with self._lock:
            self.taken += count
            self._read = position.offset
            if len(self._segments) > 1 and position.offset >= self._segments[0][1].tell():
                self._finish_first()
            gone, self._finished = self._finished, []
            return gone

    def _finish_first(self) -> None:
        self._finished.append(self._remove_first())
        self._read = len(_MAGIC)

    def _remove_first(self) -> str | None:
        """The name of what is gone; None when it could not be removed, so that it stays known as read."""
        path, file = self._segments.pop(0)
        file.close()
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return None
        return path.name

    def forget(self) -> list[str | None]:
        """Overwrite and remove what is read whole; for erasing. The names of the segments that are gone."""
        with self._lock:
            gone: list[str | None] = []
            while self._segments and not self.pending:
                with contextlib.suppress(OSError):
                    _overwrite(*self._segments[0])
                gone.append(self._remove_first())
            self._size = 0
            return gone

    def close(self) -> None:
        """Let go of the segments; what is not read stays for the next emulator."""
        with self._lock:
            while self._segments:
                _, file = self._segments.pop()
                file.close()


class Watch:
    """Tells whether capture is so busy that whoever works in the background should give way."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self._worked, self._at = log.worked, monotonic()

    def is_busy(self) -> bool:
        """Whether capture has been at work for most of the time since this was asked last."""
        worked, at = self._log.worked, monotonic()
        busy = worked - self._worked > _BUSY * (at - self._at)
        self._worked, self._at = worked, at
        return busy


def leftovers(beside: Path) -> Iterator[Path]:
    """The segments that other processes left beside a journal when they were killed, oldest first.

    Each is held while it is read, and removed when the next one is asked for. Segments of living processes are theirs.
    """
    found = [path for path in beside.parent.iterdir() if path.name.startswith(f"{beside.name}-requests-")]
    for path in sorted(found, key=_age):
        try:
            with path.open("r+b", buffering=0) as file:
                _claim(file)
                if file.read(len(_MAGIC)) not in (_MAGIC, b""):
                    continue
                yield path
        except OSError:
            continue
        path.unlink(missing_ok=True)


def records_from(path: Path, offset: int) -> Iterator[tuple[Captured, int]]:
    """All whole records of a segment from an offset on (0: the beginning), each with the offset of its end."""
    start, end = max(offset, len(_MAGIC)), path.stat().st_size
    while start < end:
        before = start
        for captured, after in records(_slice(path, start, end)):
            before = start + after
            yield captured, before
        if before == start:
            return
        start = before


def _age(path: Path) -> tuple[float, int]:
    number = path.name.rpartition("-")[2]
    return path.stat().st_mtime, int(number) if number.isdigit() else 0


def _slice(path: Path, start: int, end: int) -> bytes:
    """Bytes of a segment: some, with at least one whole record when there is one."""
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(min(end - start, _READ))
        if len(data) >= _FRAME.size:
            length = _FRAME.unpack_from(data)[0] + _FRAME.size
            if length > len(data):
                data += file.read(min(length, end - start) - len(data))
        return data


def _overwrite(path: Path, file: IO[bytes]) -> None:
    size = path.stat().st_size
    file.seek(0)
    while size > 0:
        size -= file.write(b"\0" * min(size, _READ))


def _claim(file: IO[bytes]) -> None:
    """Hold the file for this process until it is closed. Raises OSError when another process holds it."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
