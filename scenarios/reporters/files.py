"""The reports that a run was asked for: known to be writable before anything runs, written once it has ended.

Each reporter is imported by the report that needs it.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from optilocal.scenarios.language.problems import CannotRun, ScenarioError
from optilocal.serving.printable import printable
from optilocal.serving.private_file import write_private

_SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class Reports:
    """The files to write, None for those not asked for, and whether GitHub is to annotate the failing lines.

    `json` may be `-`, standard output.
    """

    json: Path | None = None
    junit: Path | None = None
    html: Path | None = None
    github: bool = False

    def messages(self) -> IO[str]:
        """Where what is meant for people goes: standard error when standard output is the result document."""
        return sys.stderr if str(self.json) == "-" else sys.stdout

    def check_targets(self) -> None:
        """Raise CannotRun for the first report that could not be written, or that another one would overwrite."""
        seen: dict[Path, str] = {}
        for option, file in self._targets().items():
            if str(file) == "-":
                if option != "--json":
                    raise CannotRun(
                        f"{option} needs the name of a file; only --json writes to standard output"
                    )
                continue
            folder = file.absolute().parent
            if (
                file.is_dir()
                or not folder.is_dir()
                or not os.access(file if file.exists() else folder, os.W_OK)
            ):
                raise CannotRun(f"cannot write {file} ({option}): no such folder, or not allowed")
            other = (
                option if file.exists() and not file.is_file() else seen.setdefault(file.resolve(), option)
            )
            if other != option:  # a device such as /dev/null takes as many as there are
                raise CannotRun(f"{other} and {option} name the same file, {file}; give each its own")

    def write(self, run: dict[str, Any], stream: IO[str]) -> None:
        """Write every report asked for; annotations go to `stream`. Raises CannotRun when one cannot be written."""
        for option, file in self._targets().items():
            write_report(file, _rendered(option, run), "a" if option == _SUMMARY else "w")
        if self.github:
            from optilocal.scenarios.reporters import github  # noqa: PLC0415

            github.write(run, stream, cwd=Path.cwd(), workspace=os.environ.get("GITHUB_WORKSPACE"))

    def write_mistakes(self, error: ScenarioError) -> None:
        """What keeps the scenarios from being run, as annotations where those are asked for."""
        if self.github:
            from optilocal.scenarios.reporters import github  # noqa: PLC0415

            root = os.environ.get("GITHUB_WORKSPACE")
            github.write_mistakes(error.problems, self.messages(), cwd=Path.cwd(), workspace=root)

    def _targets(self) -> dict[str, Path]:
        """Each report's file by its option; `--github` has a file too where GitHub asks for a summary."""
        step_summary = os.environ.get(_SUMMARY) if self.github else None
        files = {
            "--json": self.json,
            "--junit": self.junit,
            "--html": self.html,
            _SUMMARY: Path(step_summary) if step_summary else None,
        }
        return {option: file for option, file in files.items() if file is not None}


def _rendered(option: str, run: dict[str, Any]) -> str:
    match option:
        case "--json":
            return json.dumps(run, ensure_ascii=False, indent=1) + "\n"
        case "--junit":
            from optilocal.scenarios.reporters import junit  # noqa: PLC0415

            return junit.render(run)
        case "--html":
            from optilocal.scenarios.reporters import html  # noqa: PLC0415

            return html.render(run)
        case _:
            from optilocal.scenarios.reporters import summary  # noqa: PLC0415

            return summary.render(run)


def write_report(file: Path, text: str, mode: str = "w") -> None:
    """Write a report into a file that its owner alone can read, or, where it is named `-`, to standard output.

    Raises CannotRun.
    """
    if str(file) == "-":
        sys.stdout.write(printable(text, lines=True))
        return
    try:
        write_private(file, text, mode)
    except OSError as error:
        raise CannotRun(f"cannot write {file}: {error.strerror or error}") from None
