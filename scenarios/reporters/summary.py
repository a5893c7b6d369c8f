"""The result document as Markdown, for the page of a build: `$GITHUB_STEP_SUMMARY`, or a comment on a merge request."""

import html
import re
from typing import Any

from optilocal.scenarios.reporters.console import failure_text
from optilocal.scenarios.reporters.wording import failures
from optilocal.serving.printable import printable

LARGEST = 900_000
"""Bytes. GitHub refuses a step's summary above one mebibyte, whole."""
_SPECIAL = re.compile(r"([\\`*_\[\]|~])")


def render(run: dict[str, Any]) -> str:
    """Counts, then each failing scenario folded out in full, then the files; cut at `LARGEST` bytes."""
    counts = run["counts"]
    failed = failures(run)
    verdict = "❌" if failed else "✅"
    waiting = counts["total"] - counts["passed"] - counts["failed"] - counts["error"]
    parts = [f"{counts['passed']} passed"]
    for count, word in (
        (counts["failed"], "failed"),
        (counts["error"], "could not run"),
        (waiting, "not run"),
    ):
        parts += [f"{count} {word}"] if count else []
    took = f" in {run['duration_ms'] / 1000:.2f} s" if run["duration_ms"] is not None else ""
    blocks = [f"### {verdict} optilocal: {', '.join(parts)}{took}\n"]
    size = len(blocks[0].encode())
    for number, entry in enumerate(failed):
        block = _failure(entry)
        size += len(block.encode())
        if size > LARGEST:
            blocks.append(
                f"\n{len(failed) - number} more scenarios did not hold; the log and the reports have them.\n"
            )
            return "".join(blocks)
        blocks.append(block)
    table = _files(run)
    return "".join([*blocks, table] if size + len(table.encode()) <= LARGEST else blocks)


def _failure(entry: dict[str, Any]) -> str:
    text = failure_text(entry)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    title = f"<b>{_html(entry['name'])}</b> — {_html(entry['reason'] or '')}"
    return f"\n<details open><summary>{title}</summary>\n\n{fence}text\n{text}{fence}\n\n</details>\n"


def _files(run: dict[str, Any]) -> str:
    files: dict[str, list[str]] = {}
    for entry in run["scenarios"]:
        files.setdefault(entry["file"], []).append(entry["status"])
    rows = [
        f"| {_cell(file)} | {statuses.count('passed')} | {len(statuses) - statuses.count('passed')} |"
        for file, statuses in files.items()
    ]
    return "\n".join(["\n| File | Passed | Not passed |", "| --- | ---: | ---: |", *rows, ""])


def _html(text: str) -> str:
    """One line inside an HTML block, where Markdown's own marks mean nothing."""
    return html.escape(printable(" ".join(text.split())), quote=False)


def _cell(text: str) -> str:
    """One line of a table that Markdown shows as it stands."""
    return _SPECIAL.sub(r"\\\1", _html(text))
