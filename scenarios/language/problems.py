"""Mistakes of a scenario's author, each with the file and line where it stands and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AuthorProblem:
    """One mistake in a scenario file: `file:line: message`, one line."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class ScenarioError(Exception):
    """The scenario files cannot be run as they stand; carries every problem found, in order of file and line."""

    def __init__(self, problems: Iterable[AuthorProblem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda problem: (str(problem.file), problem.line)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CannotRun(Exception):
    """The command could not do its work (exit code 2); the text is one line: what, where, what to do."""


def meant(word: object, choices: Iterable[str], *, close_by: int = 60) -> str:
    """` (did you mean …?)` when one of the choices is close to the word (0 to 100), else an empty text."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - needed for a mistake alone

    close = process.extractOne(
        str(word), list(choices), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=close_by
    )
    return f" (did you mean {close[0]!r}?)" if close else ""
