"""Event names from a plain list, one a line, or from a column of a table (CSV)."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from optilocal.scenarios.check.tracked import Place, Reading, Tracked
from optilocal.scenarios.language.problems import CannotRun

_NAME_COLUMNS = ("event name", "event", "event key", "name", "key")
_TYPE_COLUMNS = ("type", "event type", "call")
_DELIMITERS = ",;\t|"


def read_names(text: str, file: str) -> Reading:
    """One name a line, to the letter: a space at its end belongs to it. Empty lines and `# …` are left out."""
    reading = Reading(file, "names")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            reading.tracked.append(Tracked(line, "names", Place(file, number)))
    return reading


def read_table(text: str, file: str) -> Reading:
    """The column headed event, event name, name or key; without such a heading the first column, all of it.

    Rows of another type than track are passed over where a column tells the type. Raises CannotRun.
    """
    reading = Reading(file, "names")
    first_line = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    rows = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)
    names_at, types_at, headed = 0, None, None
    for row in _readable(rows, file):
        if headed is None:
            heads = [_head(cell) for cell in row]
            named = [heads.index(name) for name in _NAME_COLUMNS if name in heads]
            headed = bool(named)
            if headed:
                names_at = named[0]
                types_at = next((heads.index(name) for name in _TYPE_COLUMNS if name in heads), None)
                continue
        name = row[names_at] if names_at < len(row) else ""
        if not name.strip():
            continue
        kind = row[types_at].strip().casefold() if types_at is not None and types_at < len(row) else "track"
        if kind not in ("track", "event", ""):
            reading.pass_over(kind)
            continue
        reading.tracked.append(Tracked(name, "names", Place(file, rows.line_num)))
    return reading


def _readable(rows: Any, file: str) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise CannotRun(f"{file}:{rows.line_num}: this is not a table: {error}") from None


def _head(cell: str) -> str:
    return " ".join(cell.replace("_", " ").casefold().split())
