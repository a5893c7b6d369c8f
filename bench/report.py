"""Writes what the benches found into docs/performance.md, between its marks; what stands outside them is left alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.figures import rounded
from bench.machine import ROOT
from bench.options import RESULTS, Options, read
from bench.record import Figure, Record

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
ORDER = (
    "verdict",
    "capture",
    "projection",
    "start",
    "memory",
    "questions",
    "waiting",
    "forwarder",
    "preview",
    "suite",
    "proxy",
    "team",
    "steady",
)
SHORT = "steady-short"
_REACHED = {"aim": "yes, the aim", "floor": "yes", "no": "**no**"}


def between(text: str, figures: str) -> str:
    """A page with new figures between its marks. Raises ValueError where it has not each mark once, in order."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the page must have {BEGIN} and {END} once each, in this order")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{figures.strip()}\n\n{END}{rest.split(END)[1]}"


def figures(records: Sequence[Record]) -> str:
    """All tables: what was wanted, what was found, where and how."""
    parts = [_wanted(records)]
    parts += [_found(record) for record in records]
    parts.append(_runs(records))
    return "\n\n".join(parts)


def _wanted(records: Sequence[Record]) -> str:
    lines = [
        "### What was wanted",
        "",
        "| measured | found | wanted (floor / aim) | reached |",
        "|---|---|---|---|",
    ]
    for record in records:
        for goal in record.goals:
            found = f"{rounded(goal.value)}{goal.unit and f' {goal.unit}'}"
            lines.append(f"| {goal.what} | {found} | {goal.bound} | {_REACHED[goal.reached]} |")
    return "\n".join(lines)


def _found(record: Record) -> str:
    parts = [f"### {record.bench}"]
    if record.figures:
        parts.append(_table(record.figures))
    notes = {one.of: one.note for one in record.figures if one.note}
    if notes:
        parts.append("\n".join(f"- {of}: {note}." for of, note in notes.items()))
    parts += [f"Not measured: {line}." for line in record.said]
    return "\n\n".join(parts)


def _table(found: Sequence[Figure]) -> str:
    """What by whose, turned so that it has the fewer columns."""
    whats = list(dict.fromkeys(map(_head, found)))
    whose = list(dict.fromkeys(one.of for one in found))
    cells = {(_head(one), one.of): rounded(one.value) for one in found}
    if len(whats) < len(whose):
        head, rows = whats, [[of, *(cells.get((what, of), "") for what in whats)] for of in whose]
    else:
        head, rows = whose, [[what, *(cells.get((what, of), "") for of in whose)] for what in whats]
    lines = [f"| | {' | '.join(head)} |", f"|---|{'---:|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _head(one: Figure) -> str:
    said = not one.unit or (one.unit == "/s" and "a second" in one.what)
    return one.what if said else f"{one.what}, {one.unit}"


def _runs(records: Sequence[Record]) -> str:
    lines = ["### The runs", "", "| | date | revision | load before | how |", "|---|---|---|---|---|"]
    for record in records:
        about = record.about
        load = ", ".join(str(part) for part in about.get("load_before", ()))
        how = ", ".join(f"{name} {value}" for name, value in record.how.items())
        lines.append(
            f"| {record.bench} | {about.get('date', '')} | {about.get('revision', '')} | {load} | {how} |"
        )
    alike: dict[str, None] = {}
    for record in records:
        shown = {**record.about, **record.about.get("packages", {})}
        left_out = ("date", "revision", "load_before", "packages")
        alike[", ".join(f"{name} {value}" for name, value in shown.items() if name not in left_out)] = None
    return "\n".join([*lines, "", *(f"Measured on: {line}." for line in alike)])


def read_all(folder: Path) -> list[Record]:
    """The kept records, in the page's order. A short steady run counts while there is no long one."""
    found = {path.stem: Record.read(path) for path in sorted(folder.glob("*.json"))}
    if "steady" not in found and SHORT in found:
        found["steady"] = found[SHORT]
    return [found[name] for name in ORDER if name in found]


def write(options: Options) -> Path:
    """The page from all kept records. A quick run, whose figures mean little, gets a page of its own beside them."""
    records = read_all(options.results)
    page = PAGE if options.results == RESULTS else options.results / PAGE.name
    page.write_text(between(PAGE.read_text(encoding="utf-8"), figures(records)), encoding="utf-8")
    return page


if __name__ == "__main__":
    print(write(read(sys.argv[1:])))
