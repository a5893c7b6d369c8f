"""Datafiles a scenario names or writes: read from disk, checked, and changed by a `datafile: {set: …}` step."""

from __future__ import annotations

import copy
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile, DatafileError
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.problems import meant

SUITE = Path(__file__).parents[1] / "suite"
SHOP = SUITE / "datafiles" / "shop.json"
UNKNOWN_KEY = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
"""What the CDN says, with status 403, of a key it does not know (Optimizely reference 3.3)."""
_UNESCAPED_DOT = re.compile(r"(?<!\\)\.")


def read_datafile(file: Path) -> dict[str, Any]:
    """The datafile in a file; everybody who reads it has the same one, which must not be changed.

    Raises ValueError with one line: what is wrong with which file.
    """
    try:
        stamp = file.stat().st_mtime_ns
    except OSError as error:
        raise ValueError(f"cannot read the datafile {file}: {error.strerror or error}") from None
    return _read(file, stamp)


@lru_cache(maxsize=64)
def _read(file: Path, _stamp: int) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"the datafile {file} is no JSON: {error}") from None
    try:
        return check_datafile(value)
    except ValueError as error:
        raise ValueError(f"{file} is no datafile: {error}") from None


def check_datafile(value: Any) -> dict[str, Any]:
    """The value again when it is a version-4 datafile, else ValueError with what is missing."""
    try:
        Datafile.from_json(value)
    except DatafileError as error:
        raise ValueError(str(error)) from None
    return dict(value)


def sdk_key(datafile: dict[str, Any]) -> str:
    """The key under which the emulator serves it: its own, else `default`."""
    key = datafile.get("sdkKey")
    return key if isinstance(key, str) and key else "default"


def cdn_url(key: str) -> str:
    """Where Optimizely serves the datafile; the forwarder looks for it at the emulator."""
    return f"https://cdn.optimizely.com/datafiles/{key}.json"


def with_changes(datafile: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with each `path: value` set and, as Optimizely does on every save, the revision one higher.

    A path is made of keys between dots; an item of a list is named by its position, `key` or `id`:
    `experiments.checkout_test.status`. A dot inside a name is written `\\.`. `!absent` removes.
    Raises ValueError that names the part of the path that is not there.
    """
    changed = dict(datafile)
    for path, value in changes.items():
        parts = [part.replace("\\.", ".") for part in _UNESCAPED_DOT.split(path)]
        place = changed
        for depth, part in enumerate(parts[:-1]):
            found = _find(place, part, ".".join(parts[: depth + 1]))
            # Only what lies on the path is copied: a datafile may have megabytes, and the rest stays as it is.
            below = place[found] = copy.copy(place[found])
            place = below
        _set(place, parts[-1], value, path)
    if "revision" not in changes:
        changed["revision"] = next_revision(datafile.get("revision"))
    return changed


def next_revision(revision: Any) -> str:
    """The revision after this one, as text."""
    text = str(revision)
    return str(int(text) + 1) if text.isdecimal() else f"{text}+1"


def _set(place: Any, part: str, value: Any, path: str) -> None:
    absent = isinstance(value, Matcher) and value.tag == "!absent"
    if isinstance(place, dict) and not absent:
        place[part] = value
        return
    found = _find(place, part, path)
    if absent:
        del place[found]
    else:
        place[found] = value


def _find(place: Any, part: str, path: str) -> Any:
    if isinstance(place, dict):
        if part in place:
            return part
        raise ValueError(f"the datafile has nothing at {path!r}{meant(part, place)}")
    if isinstance(place, list):
        names: dict[str, int] = {}
        for index, item in enumerate(place):
            if isinstance(item, dict):
                for name in (item.get("id"), item.get("key")):
                    if isinstance(name, str):
                        names.setdefault(name, index)
        if part in names:
            return names[part]
        if part.isdecimal() and int(part) < len(place):
            return int(part)
        raise ValueError(f"the datafile's list has no item {part!r} ({path}){meant(part, names)}")
    raise ValueError(f"the datafile has no object or list above {path!r}")


def names_in(datafile: dict[str, Any]) -> tuple[set[str], dict[str, set[str]]]:
    """What the SDK can be asked for: the flag keys, and each experiment's variation keys."""
    flags = {flag["key"] for flag in datafile.get("featureFlags") or [] if "key" in flag}
    rules = [
        rule for rule in Datafile(datafile).experiments if rule.kind == "experiment" or rule.type == "td"
    ]
    return flags, {rule.key: {variation.key for variation in rule.variations} for rule in rules}
