"""The pre-flight from its files to its report: reads the datafile and what is tracked; nothing is started or sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from optilocal.emulator.datafile.datafile import Datafile, DatafileError
from optilocal.forwarder.clock import SystemClock
from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.pipeline.outcome import why_unusable
from optilocal.forwarder.settings import ServerSettings, SettingsError
from optilocal.scenarios.check.judge import Destination
from optilocal.scenarios.check.preflight import preflight
from optilocal.scenarios.check.reading import read
from optilocal.scenarios.check.report import print_report
from optilocal.scenarios.language.problems import CannotRun
from optilocal.serving.loopback import session_for


def check(
    datafile_name: str,
    events: Sequence[str],
    *,
    calls: Sequence[str],
    settings_file: Path | None,
    json_file: Path | None,
    strict: bool,
) -> int:
    """0 when nothing tracked is lost, 1 when something never counts (when `strict` also for what is worth knowing)."""
    datafile = read_datafile(datafile_name)
    try:
        settings = ServerSettings.load(settings_file)
    except SettingsError as error:
        raise CannotRun(str(error)) from None
    readings = [read(named, list(calls)) for named in events]
    now = SystemClock().now_ms()
    destination = Destination(datafile, settings.mappings, settings.destination.get("accountId"), now)
    report = preflight(datafile, readings, destination, source=datafile_name, now_ms=now)
    print_report(report, sys.stderr if str(json_file) == "-" else sys.stdout)
    if json_file:
        _write(json_file, report)
    lacking = report["counts"]["never_counts"] + (report["counts"]["worth_knowing"] if strict else 0)
    return 1 if lacking else 0


def read_datafile(named: str) -> Datafile:
    """The datafile of a file or a URL. Raises CannotRun with the reason why there is none."""
    text = _fetch(named) if named.startswith(("http://", "https://")) else _read_file(named)
    try:
        return Datafile.from_json(json.loads(text))
    except DatafileError as error:
        raise CannotRun(f"{named}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise CannotRun(f"{named} is no JSON: {error}") from None


def _read_file(named: str) -> str:
    try:
        return Path(named).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CannotRun(f"cannot read the datafile {named}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CannotRun(f"the datafile {named} is no UTF-8 text") from None


def _fetch(url: str) -> str:
    """As Segment fetches it: what its client would not take for a datafile is none here either."""
    try:
        with session_for(url) as session:
            answer = session.get(url, timeout=10)
    except requests.RequestException as error:
        raise CannotRun(f"the datafile {url} was not reached: {type(error).__name__}") from None
    if not answer.ok:
        known = (
            "; Optimizely's CDN answers 403 to an SDK key it does not know"
            if answer.status_code == 403
            else ""
        )
        raise CannotRun(f"{url} answered {answer.status_code} {answer.reason}{known}")
    text = answer.content.decode("utf-8", "replace")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    unusable = why_unusable(Response(answer.status_code, answer.reason, headers, text))
    if unusable is not None:
        raise CannotRun(f"{url} is of no use to Segment, so no event would ever be sent: {unusable}")
    return text


def _write(file: Path, report: dict[str, Any]) -> None:
    text = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    if str(file) == "-":
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"cannot write {file}: {error.strerror}") from None
