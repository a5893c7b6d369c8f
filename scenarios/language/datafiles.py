"""What a scenario does with a datafile: where it is served, and how a `datafile: {set: …}` step changes it."""

import copy
import re
from typing import Any

from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.paths import SUITE
from optilocal.scenarios.language.problems import meant

SHOP = SUITE / "datafiles" / "shop.json"
UNKNOWN_KEY = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
"""What the CDN says, with status 403, of a key it does not know."""
_UNESCAPED_DOT = re.compile(r"(?<!\\)\.")


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
            at = _find(place, part, ".".join(parts[: depth + 1]))
            # Only what lies on the path is copied: a datafile may have megabytes, and the rest stays as it is.
            below = place[at] = copy.copy(place[at])
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
    at = _find(place, part, path)
    if absent:
        del place[at]
    else:
        place[at] = value


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
