"""The plots of docs/performance.md, as SVG, drawn from the kept records alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.figures import rounded
from bench.record import Figure, Record

_OURS, _THEIRS = "#1f6feb", "#8c959f"
_COLOURS = ("#1f6feb", "#bf3989", "#1a7f37", "#9a6700", "#8250df")
_STYLES = ((4, 2), (1, 1.5), (6, 1.5, 1, 1.5))
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "optilocal",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "axes.edgecolor": "#8c959f",
    "axes.axisbelow": True,
}


def draw(records: Sequence[Record], folder: Path) -> list[tuple[str, Path]]:
    """Every plot for which there is something to draw: its title and its file."""
    import matplotlib  # noqa: PLC0415  (slow to import, and only needed here)

    matplotlib.use("svg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with matplotlib.rc_context(_SETTINGS):
        for bench, name, title, plot in _PLOTS:
            record = next((one for one in records if one.bench == bench), None)
            figure = record and plot(plt, record, title)
            if not figure:
                continue
            path = folder / f"performance-{name}.svg"
            # Without a date the same figures give the same file.
            figure.savefig(path, format="svg", metadata={"Date": None}, bbox_inches="tight")
            plt.close(figure)
            drawn.append((title, path))
    return drawn


def _bars(what: str) -> Callable[[Any, Record, str], Any]:
    """Bars of one figure, a bar for each whose it is; ours stand out."""

    def plot(plt: Any, record: Record, title: str) -> Any:
        # The first such figure: where memory is told for a million too, only ours has that.
        wanted = next((one.what for one in record.figures if one.what.startswith(what)), None)
        found: list[Figure] = [one for one in record.figures if one.what == wanted]
        if not found:
            return None
        figure, axes = plt.subplots(figsize=(8, 0.42 * len(found) + 1))
        names = [one.of for one in reversed(found)]
        values = [one.value for one in reversed(found)]
        colours = [_OURS if name.startswith("optilocal") else _THEIRS for name in names]
        bars = axes.barh(names, values, color=colours, height=0.7)
        unit = "" if found[0].unit == "/s" else f" {found[0].unit}"
        axes.bar_label(bars, [f"{rounded(value)}{unit}" for value in values], padding=4)
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.14)
        axes.set_title(title, loc="left")
        return figure

    return plot


def _growth(plt: Any, record: Record, title: str) -> Any:
    """How answers slow down with what is recorded: ours drawn through, peers dashed, both scales in powers of ten."""
    if not record.series:
        return None
    figure, axes = plt.subplots(figsize=(8, 5))
    ours = [name for name in record.series if name.startswith("optilocal")]
    peers = list(dict.fromkeys(name.split(": ")[0] for name in record.series if name not in ours))
    questions = [name.split(": ", 1)[1] for name in ours]
    for name, points in record.series.items():
        who, question = name.split(": ", 1)
        colour = _COLOURS[questions.index(question) % len(_COLOURS)] if question in questions else _THEIRS
        dashes = (None, None) if name in ours else _STYLES[peers.index(who) % len(_STYLES)]
        xs, ys = zip(*points, strict=True)
        width = 2.0 if name in ours else 1.2
        axes.plot(xs, ys, color=colour, dashes=dashes, linewidth=width, marker=".", label=name)
    for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        scale("log")
        axis.set_major_formatter(lambda value, _: rounded(value))
        axis.set_minor_formatter(lambda *_: "")
    axes.set_xlabel("recorded events")
    axes.set_ylabel("milliseconds")
    axes.set_title(title, loc="left")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    return figure


def _minutes(plt: Any, record: Record, title: str) -> Any:
    """What was sampled while the load went on, a small plot each, from zero."""
    shown = [(name, points) for name, points in record.series.items() if len(points) > 1]
    if not shown:
        return None
    rows = -(-len(shown) // 3)
    figure, grid = plt.subplots(rows, 3, figsize=(10, 2 * rows), squeeze=False, layout="constrained")
    for axes, (name, points) in zip(grid.flat, shown, strict=False):
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, color=_OURS, linewidth=1.5)
        axes.set_ylim(0, max(ys) * 1.15 or 1)
        axes.set_title(name, loc="left", fontsize=9)
    for axes in list(grid.flat)[len(shown) :]:
        axes.set_visible(False)
    figure.suptitle(f"{title}, by minutes", x=0.01, ha="left", fontsize=12)
    return figure


def _filling(plt: Any, record: Record, title: str) -> Any:
    """Memory by what is recorded, from zero; where only two places are known the bars say it all."""
    points = next(iter(record.series.values()), [])
    if len(points) < 3:
        return None
    figure, axes = plt.subplots(figsize=(8, 3))
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=_OURS, linewidth=2, marker=".")
    axes.set_ylim(0, max(ys) * 1.15)
    axes.xaxis.set_major_formatter(lambda value, _: rounded(value))
    axes.set_xlabel("recorded events")
    axes.set_ylabel("MB")
    axes.set_title(title, loc="left")
    return figure


# The bench, the file's name, the title, and who draws it.
_PLOTS: tuple[tuple[str, str, str, Callable[[Any, Record, str], Any]], ...] = (
    ("start", "start", "Seconds from start to the first answer", _bars("start to first answer")),
    ("capture", "capture", "Events captured a second, one a request", _bars("POST /v1/events a second")),
    ("memory", "memory", "Memory when filled", _bars("memory after")),
    ("memory", "memory-growth", "The emulator's memory on the way to a million events", _filling),
    (
        "forwarder_memory",
        "forwarder-memory",
        "The forwarder's memory on the way to half a million source events",
        _filling,
    ),
    ("questions", "questions", "Time to an answer, by what is recorded", _growth),
    ("steady", "steady", "Steady mixed load", _minutes),
    ("steady-short", "steady", "Steady mixed load, a short run", _minutes),
)
