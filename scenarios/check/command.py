"""The pre-flight from its files to its report: reads the datafile and what is tracked; nothing is started or sent."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from optilocal.emulator.datafile.datafile import Datafile
from optilocal.forwarder.clock import SystemClock
from optilocal.forwarder.settings import ServerSettings, SettingsError
from optilocal.scenarios.check import outputs
from optilocal.scenarios.check.judge import Destination
from optilocal.scenarios.check.preflight import preflight
from optilocal.scenarios.check.reading import read
from optilocal.scenarios.check.report import print_report
from optilocal.scenarios.language.datafile_source import find_datafile
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.reporters.files import write_report


def check(
    datafile_name: str,
    events: Sequence[str],
    *,
    calls: Sequence[str],
    settings_file: Path | None,
    json_file: Path | None,
    junit_file: Path | None,
    sarif_file: Path | None,
    github: bool,
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
    destination = Destination(
        datafile, settings.mappings, settings.destination.get("accountId"), now, platform=settings.platform
    )
    report = preflight(datafile, readings, destination, source=datafile_name, now_ms=now)
    stream = sys.stderr if str(json_file) == "-" else sys.stdout
    print_report(report, stream)
    if json_file:
        write_report(json_file, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    if junit_file:
        write_report(junit_file, outputs.junit(report).decode())
    if sarif_file:
        write_report(sarif_file, outputs.sarif(report))
    if github:
        outputs.write_github(report, stream, cwd=Path.cwd(), workspace=os.environ.get("GITHUB_WORKSPACE"))
    lacking = report["counts"]["never_counts"] + (report["counts"]["worth_knowing"] if strict else 0)
    return 1 if lacking else 0


def read_datafile(named: str) -> Datafile:
    """The datafile of a file or a URL. Raises CannotRun with the reason when there is none."""
    try:
        return Datafile(find_datafile(named, Path()))
    except ValueError as error:
        raise CannotRun(str(error)) from None
