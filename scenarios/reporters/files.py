"""The reports that a run was asked for: known to be writable before anything runs, written once it has ended.

Each writer is imported by the report that needs it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from optilocal.scenarios.language.problems import CannotRun, ScenarioError

Write = Callable[[dict[str, Any], Path], None]


def check_targets(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> None:
    """Raise CannotRun for the first report that could not be written, or that another one would overwrite."""
    seen: dict[Path, str] = {}
    for option, (file, _) in _targets(options, environment).items():
        if str(file) == "-":
            if option != "--json":
                raise CannotRun(f"{option} needs the name of a file; only --json writes to standard output")
            continue
        folder = file.absolute().parent
        if file.is_dir() or not folder.is_dir() or not os.access(file if file.exists() else folder, os.W_OK):
            raise CannotRun(f"cannot write {file} ({option}): no such folder, or not allowed")
        other = option if file.exists() and not file.is_file() else seen.setdefault(file.resolve(), option)
        if other != option:  # a device such as /dev/null takes as many as there are
            raise CannotRun(f"{other} and {option} name the same file, {file}; give each its own")


def write_reports(
    run: dict[str, Any],
    options: argparse.Namespace,
    stream: IO[str],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Write every report asked for; annotations go to `stream`. Raises CannotRun when one cannot be written."""
    for file, write in _targets(options, environment).values():
        try:
            write(run, file)
        except OSError as error:
            raise CannotRun(f"cannot write {file}: {error.strerror or error}") from None
    if options.github:
        from optilocal.scenarios.reporters import github  # noqa: PLC0415

        github.write(run, stream, cwd=Path.cwd(), workspace=environment.get("GITHUB_WORKSPACE"))


def write_mistakes(
    error: ScenarioError, options: argparse.Namespace, environment: Mapping[str, str] = os.environ
) -> None:
    """What keeps the scenarios from being run, as annotations where those are asked for."""
    if options.github:
        from optilocal.scenarios.reporters import github  # noqa: PLC0415

        stream = sys.stderr if str(options.json) == "-" else sys.stdout
        root = environment.get("GITHUB_WORKSPACE")
        github.write_mistakes(error.problems, stream, cwd=Path.cwd(), workspace=root)


def _targets(options: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, tuple[Path, Write]]:
    """Each report by its option; `--github` has a file too where GitHub asks for a summary."""
    step_summary = environment.get("GITHUB_STEP_SUMMARY") if options.github else None
    given: dict[str, tuple[Path | None, Write]] = {
        "--json": (options.json, _write_json),
        "--junit": (options.junit, _write_junit),
        "--html": (options.html, _write_html),
        "GITHUB_STEP_SUMMARY": (Path(step_summary) if step_summary else None, _append_summary),
    }
    return {option: (file, write) for option, (file, write) in given.items() if file is not None}


def _write_junit(run: dict[str, Any], file: Path) -> None:
    from optilocal.scenarios.reporters import junit  # noqa: PLC0415

    junit.write(run, file)


def _write_html(run: dict[str, Any], file: Path) -> None:
    from optilocal.scenarios.reporters import html  # noqa: PLC0415

    html.write(run, file)


def _append_summary(run: dict[str, Any], file: Path) -> None:
    from optilocal.scenarios.reporters import summary  # noqa: PLC0415

    summary.append(run, file)


def _write_json(run: dict[str, Any], file: Path) -> None:
    text = json.dumps(run, ensure_ascii=False, indent=1) + "\n"
    if str(file) == "-":
        sys.stdout.write(text)
    else:
        file.write_text(text, encoding="utf-8")
