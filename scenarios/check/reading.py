"""One `--events` argument → what it holds, whatever shape it has: folder, code, tracking plan, recorded events, names."""

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from optilocal.scenarios.check.names import read_names, read_table
from optilocal.scenarios.check.recorded import is_event, list_key, read_json, read_json_lines
from optilocal.scenarios.check.source_scan import scan
from optilocal.scenarios.check.source_tokens import LANGUAGES
from optilocal.scenarios.check.tracked import Place, Reading, Tracked
from optilocal.scenarios.check.tracking_plan import is_plan, read_plan
from optilocal.scenarios.language.problems import CannotRun

SHAPES = "a tracking plan export (rules), recorded events (JSON lines, list, batch), a list of names, CSV, or source code"

_NOT_READ = (".yaml", ".yml", ".xml", ".tf", ".xlsx", ".xls", ".pdf")


def read(named: str, wrappers: Collection[str] = ()) -> Reading:
    """What one path holds; `-` is standard input. `wrappers` are functions that track, beside Segment's own.

    Raises CannotRun or ScenarioError, with what is wrong with which file and line.
    """
    path = Path(named)
    if named != "-" and (path.is_dir() or path.suffix.casefold() in LANGUAGES):
        if not path.exists():
            raise CannotRun(f"cannot read {named}: no such file or folder")
        return scan(path, named, wrappers)
    suffix = path.suffix.casefold()
    if suffix in _NOT_READ:
        raise CannotRun(f"{named}: {suffix} files are not read; --events takes {SHAPES}")
    text = _text(named)
    if not text.strip():
        raise CannotRun(f"{named} is empty; --events takes {SHAPES}")
    if suffix in (".csv", ".tsv"):
        return read_table(text, named)
    if suffix in (".jsonl", ".ndjson"):
        return read_json_lines(text, named)
    if suffix == ".json" or text.lstrip()[:1] in ("{", "["):
        return _read_json(text, named, suffix)
    return read_names(text, named)


def _text(named: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if named == "-" else Path(named).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise CannotRun(f"cannot read {named}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CannotRun(f"{named} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _read_json(text: str, named: str, suffix: str) -> Reading:
    try:
        value = json.loads(text)
    except ValueError as error:
        first = text.lstrip().split("\n", 1)[0]
        if first.startswith("{") and _is_json(first):
            return read_json_lines(text, named)
        if suffix != ".json" and not _is_json(first):
            return read_names(text, named)
        raise CannotRun(f"{named} is not valid JSON: {error}") from None
    except RecursionError:
        raise CannotRun(f"{named} is nested too deeply to be read") from None
    if is_plan(value):
        return read_plan(value, text, named)
    key = list_key(value)
    if key is not None or (isinstance(value, list) and any(map(is_event, value))):
        return read_json(text, named, key)
    if is_event(value):
        return read_json("[" + text + "]", named, None)
    names = _names(value)
    if names:
        return _names_in(names, text, named)
    raise CannotRun(f"{named}: nothing tracked was found in this JSON; --events takes {SHAPES}")


def _names(value: Any) -> list[str]:
    """The names in a list of them, or of objects that have one; empty where anything else is among them."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("events", "names") if key in value), None)
    names = []
    for item in value if isinstance(value, list) else ():
        named = item
        if isinstance(item, dict):
            named = next((item[key] for key in ("event", "name", "key") if key in item), None)
        if not isinstance(named, str) or not named.strip():
            return []
        names.append(named)
    return names


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _names_in(names: list[Any], text: str, named: str) -> Reading:
    reading = Reading(named, "names")
    at = 0
    for name in names:
        shapes = (json.dumps(name), json.dumps(name, ensure_ascii=False))
        offset = max(text.find(shape, at) for shape in shapes)
        at = max(offset, at)
        reading.tracked.append(
            Tracked(name, "names", Place(named, text.count("\n", 0, offset) + 1 if offset >= 0 else 0))
        )
    return reading
