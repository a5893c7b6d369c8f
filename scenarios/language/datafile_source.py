"""Reads a datafile from a file or a URL, or says in one sentence why that fails."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile, DatafileError
from optilocal.scenarios.language.paths import shown
from optilocal.scenarios.language.problems import meant

_TIMEOUT_S = 10


def find_datafile(named: str, folder: Path) -> dict[str, Any]:
    """The datafile that a path from this folder, or a URL, leads to; everybody who names it has the same one, which must
    not be changed. Raises ValueError with one line: what is wrong with which file, and what to do.
    """
    if named.startswith(("http://", "https://")):
        return _fetched(named)
    return read_datafile((folder / named).resolve())


def read_datafile(file: Path) -> dict[str, Any]:
    """The datafile in a file, as `find_datafile` gives it."""
    try:
        stamp = file.stat().st_mtime_ns
    except OSError as error:
        raise ValueError(f"cannot read the datafile {shown(file)}: {_why(file, error)}") from None
    return _read(file, stamp)


@lru_cache(maxsize=64)
def _read(file: Path, _stamp: int) -> dict[str, Any]:
    name = shown(file)
    if file.is_dir():
        inside = sorted(path.name for path in file.glob("*.json"))
        known = f", such as {shown(file / inside[0])}" if inside else ""
        raise ValueError(f"the datafile {name} is a folder; name a JSON file{known}")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the datafile {name} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise ValueError(f"cannot read the datafile {name}: {_why(file, error)}") from None
    return _parsed(text, f"the datafile {name}")


@lru_cache(maxsize=64)
def _fetched(url: str) -> dict[str, Any]:
    """As Segment fetches it: what its client would not take for a datafile is refused here too."""
    import requests  # noqa: PLC0415 - slow to import, and needed for a URL alone

    from optilocal.forwarder.destination.wire import Response  # noqa: PLC0415
    from optilocal.forwarder.pipeline.outcome import why_unusable  # noqa: PLC0415
    from optilocal.serving.loopback import session_for  # noqa: PLC0415

    try:
        with session_for(url) as session:
            answer = session.get(url, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        raise ValueError(f"the datafile {url} was not reached: {type(error).__name__}") from None
    if not answer.ok:
        known = (
            "; Optimizely's CDN answers 403 to an SDK key it does not know"
            if answer.status_code == 403
            else ""
        )
        raise ValueError(f"the datafile {url} was answered with {answer.status_code} {answer.reason}{known}")
    text = answer.content.decode("utf-8-sig", "replace")
    if _is_html(text):
        raise ValueError(_html(f"the datafile {url}"))
    headers = {name.lower(): value for name, value in answer.headers.items()}
    unusable = why_unusable(Response(answer.status_code, answer.reason, headers, text))
    if unusable is not None:
        raise ValueError(
            f"the datafile {url} cannot be used by Segment, so no event would ever be sent: {unusable}"
        )
    return _parsed(text, f"the datafile {url}")


def _parsed(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if _is_html(text):
            raise ValueError(_html(what)) from None
        if not text.strip():
            raise ValueError(f"{what} is empty") from None
        raise ValueError(
            f"{what} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is not valid JSON: {error}") from None
    try:
        return check_datafile(value)
    except ValueError as error:
        raise ValueError(f"{what} is not a datafile: {error}") from None


def check_datafile(value: Any) -> dict[str, Any]:
    """The value again when it is a version-4 datafile, else ValueError with what is missing."""
    try:
        Datafile.from_json(value)
    except DatafileError as error:
        raise ValueError(str(error)) from None
    return dict(value)


def _why(file: Path, error: OSError) -> str:
    reason = str(error.strerror or error)
    if isinstance(error, FileNotFoundError) and file.parent.is_dir():
        return reason + meant(file.name, (path.name for path in file.parent.iterdir() if path.is_file()))
    return reason


def _is_html(text: str) -> bool:
    return text.lstrip()[:14].lower().startswith(("<!doctype html", "<html"))


def _html(what: str) -> str:
    return f"{what} is an HTML page, not JSON: a sign-in or error page was saved or answered in its place"
