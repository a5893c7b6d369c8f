"""Mistakes of a scenario's author, each with the place where it stands and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from optilocal.scenarios.language.paths import shown


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something stands in a file: line and column from 1, and how many characters of that line it takes."""

    line: int
    column: int = 1
    length: int = 1


@dataclass(frozen=True, slots=True)
class AuthorProblem:
    """One mistake in a file. `source` is the text of its line where there is one to show."""

    file: Path
    mark: Mark
    message: str
    source: str | None = None

    @property
    def line(self) -> int:
        """The line it stands on, from 1."""
        return self.mark.line

    def __str__(self) -> str:
        """`file:line:column: message`, one line; without a text to show `file:line: message`."""
        column = "" if self.source is None else f":{self.mark.column}"
        return f"{shown(self.file)}:{self.line}{column}: {self.message}"

    def excerpt(self) -> list[str]:
        """The line of the file and a caret under what is meant; empty where there is no line to show."""
        if self.source is None or not self.source.strip():
            return []
        before, after = self._around()
        number = str(self.line)
        carets = "^" * min(self.mark.length, max(len(after), 1))
        return [f"  {number} │ {before}{after}", f"  {' ' * len(number)} │ {' ' * len(before)}{carets}"]

    def _around(self) -> tuple[str, str]:
        """The line before and from the place; a long line is cut so that the place is seen, a tab is one space."""
        assert self.source is not None
        printed = "".join(letter if letter.isprintable() else " " for letter in self.source.rstrip())
        at = self.mark.column - 1
        before, after = printed[:at], printed[at:]
        if len(before) > 80:
            before = "…" + before[-60:]
        return before, after if len(after) <= 80 else after[:79] + "…"


class ScenarioError(Exception):
    """The scenario files cannot be run as they stand; carries every problem found, in order of file and line."""

    def __init__(self, problems: Iterable[AuthorProblem]) -> None:
        self.problems = tuple(
            sorted(
                set(problems),
                key=lambda problem: (str(problem.file), problem.line, problem.mark.column, problem.message),
            )
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def report(self, before: str = "") -> str:
        """Every problem with its excerpt, as a terminal shows it; `before` begins each problem's line."""
        return "\n".join(
            line for problem in self.problems for line in (f"{before}{problem}", *problem.excerpt())
        )


class CannotRun(Exception):
    """The command could not do its work (exit code 2); the text is one line: what, where, what to do."""


def meant(word: object, choices: Iterable[str], *, close_by: int = 60) -> str:
    """` (did you mean …?)` when one of the choices is close to the word (0 to 100), else an empty text."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - needed for a mistake alone

    close = process.extractOne(
        str(word), list(choices), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=close_by
    )
    return f" (did you mean {close[0]!r}?)" if close else ""


def alternatives(word: object, known: Iterable[str]) -> str:
    """` (did you mean …?); there are …`: the close name, if any, and every known one."""
    known = list(known)
    return f"{meant(word, known)}; there are {', '.join(known)}"


def listed(names: Iterable[str]) -> str:
    """The names in order, the first twenty of many."""
    ordered = sorted(names)
    more = f" and {len(ordered) - 20} more" if len(ordered) > 20 else ""
    return ", ".join(ordered[:20]) + more or "none"
