"""The file that a SQLite journal lives in: whose it is, by its first hundred bytes, before anything opens or changes it."""

import os
import struct
from enum import Enum
from pathlib import Path

from optilocal.emulator.journal.store import JournalError

APPLICATION_ID = 0x4F50_4C4F
VERSION = 6
_MAGIC = b"SQLite format 3\0"
_HEAD = 100


class State(Enum):
    """What stands at a journal's path: nothing yet, a journal, or one whose first bytes are damaged."""

    NEW, JOURNAL, DAMAGED = range(3)


def prepare(path: Path) -> State:
    """What stands at `path`; where there is nothing a file is made, for its owner alone.

    Raises JournalError for a folder, for a file that is not a journal of ours, and for one of another version.
    """
    elsewhere = "name another file, or move this one away"
    if path.is_dir():
        raise JournalError(f"the journal {path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise JournalError(f"the journal {path} is not a file; {elsewhere}")
    if not path.parent.is_dir():
        raise JournalError(
            f"the journal's folder {path.parent} does not exist; create it or name another file"
        )
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be used: {error.strerror}; {elsewhere}") from None
    if not head:
        return State.NEW
    # Places of user_version and application_id in SQLite's database header (https://www.sqlite.org/fileformat.html).
    version, application_id = (struct.unpack_from(">I", head.ljust(_HEAD, b"\0"), at)[0] for at in (60, 68))
    ours = application_id == APPLICATION_ID
    if not head.startswith(_MAGIC) or len(head) < _HEAD:
        if ours and version == VERSION:
            return State.DAMAGED
        raise JournalError(f"{path} is not a journal of the emulator, nothing in it was changed; {elsewhere}")
    if not ours:
        raise JournalError(f"{path} is another program's database, nothing in it was changed; {elsewhere}")
    if version != VERSION:
        raise JournalError(
            f"the journal {path} is of version {version}, this emulator writes version {VERSION};"
            f" nothing in it was changed; {elsewhere}"
        )
    return State.JOURNAL if _is_as_written(head) else State.DAMAGED


def _is_as_written(head: bytes) -> bool:
    """Whether what never changes in a journal's header is there: file formats, fractions, schema format, encoding."""
    formats = head[18:24] in (b"\1\1\0\x40\x20\x20", b"\2\2\0\x40\x20\x20")
    return formats and head[44:48] == b"\0\0\0\4" and head[56:60] == b"\0\0\0\1"


class Identity:
    """Which file stands at a path, so that it is noticed when it is deleted or replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._look()

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def check(self) -> None:
        """Raises JournalError when another file, or none, stands there."""
        if self._look() != self._seen:
            raise JournalError(
                f"the journal {self._path} was deleted or replaced while the emulator uses it: nothing more can be kept;"
                " restart the emulator"
            )
