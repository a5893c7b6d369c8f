"""The pre-flight's report for people: a table of events, then each finding with what to do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from optilocal.scenarios.reporters.terminal import Terminal

_VERDICTS = {
    "counts": ("✓", "green", "counts"),
    "partly": ("!", "yellow", "partly"),
    "never_counts": ("✗", "bold red", "never counts"),
}
_HEADINGS = {
    "never_counts": ("Never counts", "✗", "bold red"),
    "worth_knowing": ("Worth knowing", "·", "yellow"),
}
_PLACES = 3
_WORTH_SHOWING = 10
"""So many findings of one code under "Worth knowing" are shown: a large project may have hundreds of unused metrics."""


def print_report(report: Mapping[str, Any], stream: IO[str]) -> None:
    """Print the report document; colour and width as the terminal has them."""
    console = Terminal(file=stream)
    if not console.is_terminal:
        console = Terminal(file=stream, width=120)
    datafile = report["datafile"]
    console.print(Text(f"{datafile['source']}, revision {datafile['revision']}", "dim"))
    for reading in report["read"]:
        unclear = f", {reading['unclear']} more without a written name" if reading["unclear"] else ""
        console.print(
            Text(f"{reading['source']}: {reading['kind']}, {reading['events']} found{unclear}", "dim")
        )
    if report["passed_over"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report["passed_over"].items()))
        console.print(Text(f"not looked at, as no mapping takes them: {kinds}", "dim"))
    console.print()
    if report["events"]:
        console.print(_table(report["events"]))
    for severity, (heading, mark, style) in _HEADINGS.items():
        findings = [finding for finding in report["findings"] if finding["severity"] == severity]
        if findings:
            console.print(Text(f"\n{heading}", style))
        seen: Counter[str] = Counter()
        for finding in findings:
            seen[finding["code"]] += 1
            if severity == "never_counts" or seen[finding["code"]] <= _WORTH_SHOWING:
                _print_finding(console, finding, mark, style)
        for code, count in seen.items():
            if severity != "never_counts" and count > _WORTH_SHOWING:
                more = f"  {mark} {count - _WORTH_SHOWING} more {code}; --json FILE has them all"
                console.print(Text(more, "dim"))
    console.print(_summary(report))


def _summary(report: Mapping[str, Any]) -> Text:
    verdicts = Counter(event["verdict"] for event in report["events"])
    never = verdicts["never_counts"]
    line = Text(f"\n{verdicts['counts']} of {len(report['events'])} events can count, ")
    if verdicts["partly"]:
        line.append(f"{verdicts['partly']} only in part", "bold red").append(", ")
    line.append(f"{never} never count{'s' if never == 1 else ''}", "bold red" if never else "green")
    return line.append(f", {report['counts']['worth_knowing']} worth knowing")


def _table(events: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "event", "verdict", "experiments", "found at"):
        table.add_column(heading, overflow="fold")
    for event in events:
        mark, style, words = _VERDICTS[event["verdict"]]
        some = f" ({event['counting']} of {event['seen']})" if event["verdict"] == "partly" else ""
        experiments = ", ".join(
            experiment["experiment"] + ("" if experiment["running"] else f" ({experiment['status']})")
            for experiment in event["experiments"]
        )
        name = event["event"] or "(no name)"
        key = event["event_key"]
        label = _visible(name) if key in (None, event["event"]) else f"{_visible(name)} → {_visible(key)}"
        found_at = _places(event["places"], event["seen"])
        table.add_row(Text(mark, style), label, Text(words + some, style), experiments or "—", found_at)
    return table


def _print_finding(console: Console, finding: Mapping[str, Any], mark: str, style: str) -> None:
    title = Text.assemble("  ", (mark, style), " ")
    if finding["event"] is not None:
        title.append(_visible(finding["event"]), "bold").append("  ")
    console.print(title.append(finding["code"], "dim"))
    console.print(Padding(Text(finding["message"]), (0, 0, 0, 4), expand=False))
    console.print(Padding(Text.assemble(("To do: ", "bold"), finding["remedy"]), (0, 0, 0, 4), expand=False))
    if finding["places"]:
        console.print(
            Padding(Text(_places(finding["places"], finding["count"]), "cyan"), (0, 0, 0, 4), expand=False)
        )


def _places(places: Sequence[Mapping[str, Any]], count: int) -> str:
    more = count - len(places[:_PLACES])
    return ", ".join(map(place_text, places[:_PLACES])) + (f" and {more} more" if more > 0 else "")


def place_text(place: Mapping[str, Any]) -> str:
    """`file:line`, or the file alone."""
    return f"{place['file']}:{place['line']}" if place["line"] else str(place["file"])


def _visible(name: str) -> str:
    """A name whose spaces at the ends can be seen."""
    return name if name == name.strip() else f'"{name}"'
