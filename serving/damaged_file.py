"""Replaces a damaged SQLite file by a new one with its readable rows, and renames the damaged one."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from optilocal.serving.database_pages import Row, Value, read_rows


class InUse(Exception):
    """Another process is using the file."""


def set_aside(path: Path, fill: Callable[[Path, Iterator[Row]], None]) -> Path:
    """Put a new database in the place of a damaged one, which is renamed; its new name. `fill` makes the new one, out of
    rows of every table, in no order.

    Raises InUse, and changes nothing, when another process uses the file. Connections of this process to the damaged file
    must be neither used nor closed any more: whoever closed the last one would take the new file's log away, because
    SQLite deletes a log by its name.
    """
    # Never closed, since that would release the locks of this process's own connections.
    file = os.open(path, os.O_RDWR)
    _claim(file)
    new = _beside(path, ".new")
    for ending in ("", "-wal", "-shm"):
        _beside(new, ending).unlink(missing_ok=True)
    fill(new, read_rows(file, _beside(path, "-wal")))
    number = 1
    while (aside := _beside(path, f".damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            _beside(path, ending).rename(_beside(aside, ending))
    new.rename(path)
    return aside


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _claim(file: int) -> None:
    try:
        import fcntl  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return
    try:
        # Every connection holds a lock of these bytes as long as it is open (https://www.sqlite.org/lockingv3.html).
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        raise InUse from None


def fits(values: Sequence[Value], shape: Sequence[type | tuple[type | None, ...] | None]) -> bool:
    """Whether a row's values have these types, one for each column; None is a null, a tuple one of several types."""
    return len(values) == len(shape) and all(map(_is, values, shape))


def _is(value: Value, wanted: type | tuple[type | None, ...] | None) -> bool:
    if isinstance(wanted, tuple):
        return any(_is(value, kind) for kind in wanted)
    return value is None if wanted is None else isinstance(value, wanted)


def counted(counts: Counter[str]) -> str:
    """The numbers of rows that were read, as text: `3 requests, 1 report`."""
    return ", ".join(f"{n} {name if n == 1 else name + 's'}" for name, n in counts.items()) or "nothing"
