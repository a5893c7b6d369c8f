"""The result document as JUnit XML, in the strictest of its dialects: one suite a file, one test case a scenario."""

import re
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from optilocal.scenarios.reporters.console import failure_text
from optilocal.serving.printable import printable

_ELEMENTS = {"failed": ("failure", "difference"), "error": ("error", "could-not-run")}
_SUFFIX = re.compile(r"(\.scenario)?\.ya?ml$")


def render(run: dict[str, Any]) -> str:
    """The run document as XML.

    Two schemas are in use, that of Ant's report task and that of Jenkins' xUnit plugin; what both allow is written and
    nothing else: no `file` or `line` on a test case, and a suite's time without a zone (it is UTC).
    """
    root = ElementTree.Element("testsuites")
    started = datetime.fromtimestamp(run["started_at"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for number, (file, group) in enumerate(groupby(run["scenarios"], key=lambda entry: entry["file"])):
        entries = list(group)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            {
                "name": _token(file),
                "package": class_name(file),
                "id": str(number),
                "hostname": "localhost",
                "timestamp": started,
                "tests": str(len(entries)),
                "failures": str(sum(entry["status"] == "failed" for entry in entries)),
                "errors": str(sum(entry["status"] == "error" for entry in entries)),
                "skipped": str(sum(entry["status"] == "waiting" for entry in entries)),
                "time": _seconds(sum(entry["duration_ms"] or 0 for entry in entries)),
            },
        )
        facts = {"run": run["id"], "command": run["command"], "emulator": run["emulator"]}
        _properties(suite, {name: value for name, value in facts.items() if value is not None})
        names = [entry["name"] for entry in entries]
        for entry in entries:
            twice = names.count(entry["name"]) > 1
            _case(suite, entry, f"{entry['name']} (line {entry['line']})" if twice else entry["name"])
        ElementTree.SubElement(suite, "system-out").text = ""
        ElementTree.SubElement(suite, "system-err").text = ""
    return document(root)


def document(root: ElementTree.Element) -> str:
    """An XML document in UTF-8 as text."""
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return f"{xml.decode()}\n"


def class_name(file: str) -> str:
    """`suite/conversions/counted.scenario.yaml` → `suite.conversions.counted`: viewers group by the parts."""
    parts = [part for part in Path(_SUFFIX.sub("", file)).parts if part not in ("/", "..", ".")]
    return _token(".".join(part.replace(".", "_") for part in parts)) or "scenarios"


def _case(suite: ElementTree.Element, entry: dict[str, Any], name: str) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "name": _token(name),
            "classname": class_name(entry["file"]),
            "time": _seconds(entry["duration_ms"] or 0),
        },
    )
    if entry["status"] == "waiting":
        ElementTree.SubElement(case, "skipped")
    elif entry["status"] != "passed":
        element, kind = _ELEMENTS[entry["status"]]
        child = ElementTree.SubElement(
            case, element, {"type": kind, "message": readable(entry["reason"] or "")}
        )
        child.text = readable(f"{entry['file']}:{entry['line']}\n\n{failure_text(entry)}")


def _properties(suite: ElementTree.Element, values: dict[str, str]) -> None:
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in values.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": readable(value)})


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _token(text: str) -> str:
    return " ".join(readable(text).split())


def readable(text: str) -> str:
    """The text with what XML 1.0 cannot carry, not even escaped, and what steers a terminal spelt: a NUL as `\\u0000`."""
    return printable(text, lines=True)
