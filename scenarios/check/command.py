"""The pre-flight from its files to its report: reads the datafile and what is tracked; nothing is started or sent."""

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
    *,
    datafile: str,
    events: Sequence[str],
    call: Sequence[str],
    settings: Path | None,
    json: Path | None,
    junit: Path | None,
    sarif: Path | None,
    github: bool,
    strict: bool,
) -> int:
    """Check what is tracked as the options of `optilocal check` say.

    0 where nothing tracked is lost, 1 where something never counts (with `strict` also for what is worth knowing).
    """
    try:
        project = Datafile(find_datafile(datafile, Path()))
        configured = ServerSettings.load(settings)
    except (ValueError, SettingsError) as error:
        raise CannotRun(str(error)) from None
    readings = [read(named, list(call)) for named in events]
    now = SystemClock().now_ms()
    destination = Destination(
        project,
        configured.mappings,
        configured.destination.get("accountId"),
        now,
        platform=configured.platform,
    )
    report = preflight(project, readings, destination, source=datafile, now_ms=now)
    stream = sys.stderr if str(json) == "-" else sys.stdout
    print_report(report, stream)
    for file, render in ((json, outputs.as_json), (junit, outputs.junit), (sarif, outputs.sarif)):
        if file:
            write_report(file, render(report))
    if github:
        outputs.write_github(report, stream, cwd=Path.cwd(), workspace=os.environ.get("GITHUB_WORKSPACE"))
    lacking = report["counts"]["never_counts"] + (report["counts"]["worth_knowing"] if strict else 0)
    return 1 if lacking else 0
