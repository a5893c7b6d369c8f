"""Annotations for GitHub Actions: each failing line of a scenario file as a workflow command that the runner reads."""

import os
from collections.abc import Iterable
from itertools import groupby, zip_longest
from pathlib import Path
from typing import IO, Any

from optilocal.scenarios.language.problems import AuthorProblem
from optilocal.scenarios.reporters.wording import failures, page_of, sides, verdict_of
from optilocal.serving.printable import printable


def write(run: dict[str, Any], stream: IO[str], *, cwd: Path, workspace: str | None) -> None:
    """Print one `::error` for every line of a scenario file that did not hold.

    GitHub knows files by their path in the repository: `workspace` is its root ($GITHUB_WORKSPACE), `cwd` the folder that
    the run document's paths start from. It shows the first ten errors of a step only, so the first line of every failing
    scenario comes before the second line of any.
    """
    by_scenario = [_annotations(entry) for entry in failures(run)]
    for turn in zip_longest(*by_scenario):
        for arguments in filter(None, turn):
            stream.write(annotation(*arguments, cwd=cwd, workspace=workspace))


def write_mistakes(
    problems: Iterable[AuthorProblem], stream: IO[str], *, cwd: Path, workspace: str | None
) -> None:
    """Print one `::error` for every mistake that keeps the scenario files from being run."""
    for problem in problems:
        where = (str(problem.file), problem.line)
        column = None if problem.source is None else problem.mark.column
        stream.write(
            annotation(*where, "not a scenario", problem.message, column=column, cwd=cwd, workspace=workspace)
        )


def annotation(
    file: str | None,
    line: int,
    title: str,
    message: str,
    *,
    cwd: Path,
    workspace: str | None,
    column: int | None = None,
    level: str = "error",
) -> str:
    """One workflow command: `level` is error or warning; `file` is named from the repository's root."""
    place = "" if file is None else f"file={_property(_in_repository(file, cwd, workspace))},line={line},"
    if column is not None:
        place += f"col={column},"
    return f"::{level} {place}title={_property(title)}::{_data(message)}\n"


def _annotations(entry: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    """File, line, title and message of each line of a scenario that differs; of the scenario when it could not run."""
    if entry["status"] == "error" or not entry["differences"]:
        return [(entry["file"], entry["line"], entry["name"], entry["reason"] or "it could not run")]
    lines = groupby(
        sorted(entry["differences"], key=lambda difference: int(difference["line"])),
        key=lambda difference: (difference["file"], difference["line"]),
    )
    return [
        (file, line, entry["name"], _message(list(differences), entry)) for (file, line), differences in lines
    ]


def _message(differences: list[dict[str, Any]], entry: dict[str, Any]) -> str:
    text = [f"line {problem['line']}: {problem['message']}" for problem in entry.get("problems", ())]
    written: set[int | None] = {None}
    for difference in differences:
        text.append(f"{difference['where']} {difference['reason']}")
        text.extend(f"  {name}: {value}" for name, value in sides(difference))
        verdict = verdict_of(difference, entry)
        if verdict and difference["verdict"] not in written:
            written.add(difference["verdict"])
            parts = [str(verdict[part]) for part in ("explanation", "remedy") if verdict[part]]
            if verdict["outcome"]:
                parts.append(f"See {page_of(verdict['outcome'])}")
            text.append("  " + " ".join(parts))
    text.append(entry["rerun"])
    return "\n".join(text)


def _in_repository(file: str, cwd: Path, workspace: str | None) -> str:
    path = Path(os.path.normpath(cwd / file))
    root = Path(os.path.normpath(workspace)) if workspace else cwd
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _data(text: str) -> str:
    """A command ends with its line; the runner turns these two back."""
    return printable(text, lines=True).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    """In a property, a colon and a comma would end it."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
