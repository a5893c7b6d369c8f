"""Figures as Prometheus reads them: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Metric:
    """One figure, or one for each value of a `label`."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    values: Mapping[str, int]
    label: str | None = None


def as_text(metrics: Iterable[Metric]) -> str:
    """The figures as text."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for value, number in metric.values.items():
            shown = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            labels = f'{{{metric.label}="{shown}"}}' if metric.label else ""
            lines.append(f"{metric.name}{labels} {number}")
    return "\n".join(lines) + "\n"
