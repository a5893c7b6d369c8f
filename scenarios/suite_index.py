"""The index of the shipped suite in docs/scenarios.md, made from it: `python -m optilocal.scenarios.suite_index [FILE]`."""

import sys
from pathlib import Path
from typing import Any

import yaml

from optilocal.scenarios.language.loader import SUFFIX, load_file
from optilocal.scenarios.language.scenario import Scenario

SUITE = Path(__file__).resolve().parent / "suite"
PAGE = SUITE.parent.parent / "docs" / "scenarios.md"
HEADING = "## Index\n"


def index(suite: Path = SUITE, link: str = "../scenarios/suite") -> str:
    """The index as Markdown, in the order of the suite's contents.yaml; `link` is where the files are from the page."""
    chapters = []
    total = 0
    for chapter in contents(suite):
        lines = [f"### {chapter['title']}", ""]
        for name in chapter["files"]:
            file = suite / chapter["folder"] / f"{name}{SUFFIX}"
            place = f"{link}/{chapter['folder']}/{file.name}"
            lines += [f"**[{name}]({place})** · {_about(file)}", ""]
            lessons = _documents(load_file(file))
            total += len(lessons)
            lines += [
                f"- [**{title(lesson)}.**]({place}#L{lesson.document.first_line}) {lesson.teaches}"
                for lesson in lessons
            ]
            lines.append("")
        chapters.append("\n".join(lines))
    return f"{total} scenarios.\n\n" + "\n".join(chapters).rstrip() + "\n"


def contents(suite: Path = SUITE) -> list[dict[str, Any]]:
    """The chapters in reading order: `{"folder", "title", "files"}`."""
    return list(yaml.safe_load((suite / "contents.yaml").read_text(encoding="utf-8")))


def title(scenario: Scenario) -> str:
    """As written, without what tells the rows of one document apart."""
    return str(scenario.document.value["scenario"]).strip()


def with_index(page: str) -> str:
    """The page with everything below its heading `Index` made anew. Raises ValueError when it has no such heading."""
    before, heading, _ = page.partition(HEADING)
    if not heading:
        raise ValueError(f"the page has no heading {HEADING.strip()!r}")
    return f"{before}{HEADING}\n{index()}"


def _about(file: Path) -> str:
    """The comment a file begins with, as one line."""
    lines = file.read_text(encoding="utf-8").splitlines()
    first = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.lstrip("# ").rstrip() for line in lines[:first])


def _documents(scenarios: list[Scenario]) -> list[Scenario]:
    """One scenario a document: of many rows the first."""
    return list({scenario.document.first_line: scenario for scenario in reversed(scenarios)}.values())[::-1]


def main(arguments: list[str]) -> int:
    """Write the index into the page."""
    page = Path(arguments[0]) if arguments else PAGE
    try:
        page.write_text(with_index(page.read_text(encoding="utf-8")), encoding="utf-8")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{page}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
