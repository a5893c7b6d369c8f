"""The result document on a terminal: a line a scenario as it ends, then each failure with its field, line and reason."""

import contextlib
import io
from collections.abc import Iterator
from typing import IO, Any

from rich.status import Status
from rich.text import Text

from optilocal.emulator.verdict.advice import NOTHING
from optilocal.scenarios.language.matchers import as_text
from optilocal.scenarios.reporters.terminal import Terminal
from optilocal.scenarios.reporters.wording import page_of
from optilocal.serving.printable import printable

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "error": ("!", "bold red")}
_LABEL = 9
_LONGEST = 400


def failure_text(entry: dict[str, Any]) -> str:
    """All that is said of one scenario that did not hold, as plain text: what other reports carry of it."""
    text = io.StringIO()
    ConsoleReporter(text, plain=True).failure(entry, "")
    return text.getvalue().strip("\n") + "\n"


class ConsoleReporter:
    """Prints to `stream`; colour and width as the terminal has them, plain text elsewhere and with NO_COLOR.

    `plain` is never coloured, whatever the environment forces.
    """

    def __init__(
        self, stream: IO[str], *, quiet: bool = False, viewer: str | None = None, plain: bool = False
    ) -> None:
        self._console = Terminal(
            file=stream,
            soft_wrap=True,
            color_system=None if plain else "auto",
            force_terminal=False if plain else None,
        )
        self._quiet, self._viewer = quiet, viewer
        self._file: str | None = None
        self._progress: Status | None = None
        self._ended = self._failed = self._total = 0

    @contextlib.contextmanager
    def running(self, total: int) -> Iterator[None]:
        """While so many scenarios run: on a terminal a last line says how far they are."""
        self._total = total
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            yield
            return
        with self._console.status(self._how_far(), spinner="dots") as self._progress:
            yield
        self._progress = None

    def _how_far(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._ended} of {self._total}{failed}"

    def scenario(self, entry: dict[str, Any]) -> None:
        """One scenario ended."""
        self._ended += 1
        self._failed += entry["status"] != "passed"
        if self._progress:
            self._progress.update(self._how_far())
        if self._quiet:
            return
        if entry["file"] != self._file:
            self._file = entry["file"]
            self._console.print(Text(str(self._file), "dim"))
        mark, style = _MARKS[entry["status"]]
        line = Text.assemble(
            "  ", (mark, style), " ", entry["name"], "  ", (f"{entry['duration_ms']} ms", "dim")
        )
        self._console.print(line)
        if entry["reason"]:
            self._console.print(Text.assemble("    ", (entry["reason"], style if style != "green" else "")))

    def finish(self, run: dict[str, Any]) -> None:
        """The run ended: every failure in full, then the counts."""
        for entry in run["scenarios"]:
            if entry["status"] != "passed":
                self.failure(entry, run["id"])
        counts = run["counts"]
        parts = [
            (f"{counts['passed']} passed", "green"),
            (f"{counts['failed']} failed", "bold red" if counts["failed"] else "dim"),
            *([(f"{counts['error']} could not run", "bold red")] if counts["error"] else []),
        ]
        left = counts["total"] - sum(counts[status] for status in _MARKS)
        if left:
            parts.append((f"{left} not run", "yellow"))
        line = Text()
        for index, (text, style) in enumerate(parts):
            line.append(", " if index else "").append(text, style)
        self._console.print(line.append(f"  in {run['duration_ms'] / 1000:.2f} s", "dim"))

    def failure(self, entry: dict[str, Any], run_id: str) -> None:
        """One scenario that did not hold, in full."""
        mark, style = _MARKS[entry["status"]]
        self._console.print()
        self._console.print(
            Text.assemble((mark, style), " ", (entry["name"], "bold"), "  ", (entry["id"], "dim"))
        )
        if entry["status"] == "error":
            self._field("reason", entry["reason"])
        for problem in entry.get("problems", ()):
            step = entry["steps"][problem["step"]]
            self._console.print()
            self._field("step", f"{step['index'] + 1}. {step['summary']}  (line {step['line']})")
            self._field("problem", problem["message"], "bold red")
        shown_verdicts: set[int] = set()
        for difference in entry["differences"]:
            self._difference(difference, entry, shown_verdicts)
        self._field("again", entry["rerun"], "cyan")
        if self._viewer and entry["differences"]:
            self._field("look", f"{self._viewer}#/runs/{run_id}/{entry['id']}", "cyan")

    def _difference(
        self, difference: dict[str, Any], entry: dict[str, Any], shown_verdicts: set[int]
    ) -> None:
        self._console.print()
        if difference["step"] is not None:
            step = entry["steps"][difference["step"]]
            self._field("step", f"{step['index'] + 1}. {step['summary']}  (line {step['line']})")
        # That a value is another one is what the next two lines show.
        why = "" if difference["reason"] == "is another value" else f" — {difference['reason']}"
        self._field("field", f"{difference['where']}{why}", "bold")
        for name, style in (("expected", "green"), ("captured", "red")):
            if name in difference:
                self._field(name, _value(difference[name], exact=difference["kind"] == "type"), style)
        if difference.get("nearest"):
            nearest = difference["nearest"]
            self._field("nearest", f"number {nearest['index']}, {nearest['score']} fields alike")
        index = difference["verdict"]
        if index is not None and index not in shown_verdicts:
            shown_verdicts.add(index)
            verdict = entry["verdicts"][index]
            self._field("verdict", f"{verdict['outcome']}: {verdict['explanation']}")
            # Of a counted event usually nothing needs to change, yet the scenario failed.
            if verdict["outcome"] != "counted" or verdict["remedy"] != NOTHING:
                self._field("remedy", verdict["remedy"], "bold")
            if verdict["outcome"]:
                self._field("see", page_of(verdict["outcome"]))
        source = self._source_line(difference["line"], entry["source"])
        self._field("line", f"{difference['line']} │ {source}" if source else str(difference["line"]), "dim")

    def _source_line(self, line: int, source: dict[str, Any]) -> str:
        lines = source["text"].splitlines()
        index = line - source["first_line"]
        return lines[index].rstrip() if 0 <= index < len(lines) else ""

    def _field(self, label: str, text: Any, style: str = "") -> None:
        if text:
            self._console.print(Text.assemble("  ", (f"{label:<{_LABEL}}", "dim"), " ", (str(text), style)))


def _value(value: Any, *, exact: bool) -> str:
    """A text as it is when it is one plain line, anything else, or whatever must be `exact`, as JSON: no value may steer
    a terminal or a build's log.
    """
    plain = not exact and isinstance(value, str) and value.isprintable() and value and value == value.strip()
    text = str(value) if plain else as_text(value)
    text = printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
