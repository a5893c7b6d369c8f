"""The pre-flight's report as other tools read it: annotations for GitHub, JUnit XML, SARIF."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from optilocal import __version__
from optilocal.scenarios.check.report import place_text
from optilocal.scenarios.reporters.github import annotation
from optilocal.scenarios.reporters.junit import document, readable

_LEVELS = {"never_counts": "error", "worth_knowing": "warning"}
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_ABOUT = "optilocal check: which tracked events never count in Optimizely"


def write_github(report: Mapping[str, Any], stream: IO[str], *, cwd: Path, workspace: str | None) -> None:
    """Write an `::error` for each finding that an event never counts, a `::warning` for each that is worth knowing.

    The annotation names the finding's first place, or the datafile when it has none.
    """
    for finding in report["findings"]:
        place = _first_place(finding, report)
        stream.write(
            annotation(
                None if place["file"].startswith(("http://", "https://")) else place["file"],
                place["line"] or 1,
                _title(finding),
                f"{finding['message']} {finding['remedy']}",
                level=_LEVELS[finding["severity"]],
                cwd=cwd,
                workspace=workspace,
            )
        )


def as_json(report: Mapping[str, Any]) -> str:
    """The report itself."""
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def junit(report: Mapping[str, Any]) -> str:
    """One test case an event, failed when it or some of its occurrences never count; one for the datafile as a whole."""
    cases: dict[str, list[Mapping[str, Any]]] = {event["event"]: [] for event in report["events"]}
    whole = "the datafile and its metrics"
    for finding in report["findings"]:
        cases.setdefault(finding["event"] or whole, []).append(finding)
    failed = {
        name for name, findings in cases.items() if any(f["severity"] == "never_counts" for f in findings)
    }
    counts = {
        "tests": str(len(cases)),
        "failures": str(len(failed)),
        "errors": "0",
        "skipped": "0",
        "time": "0.000",
    }
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", {"name": "optilocal check", **counts})
    for name, findings in cases.items():
        case = ElementTree.SubElement(
            suite, "testcase", {"name": readable(name), "classname": "optilocal.check", "time": "0.000"}
        )
        lines = [
            f"{_title(finding)}: {finding['message']} {finding['remedy']}{_places(finding)}"
            for finding in findings
        ]
        if name in failed:
            failure = ElementTree.SubElement(
                case, "failure", {"type": "never_counts", "message": readable(lines[0])}
            )
            failure.text = readable("\n".join(lines))
        elif lines:
            ElementTree.SubElement(case, "system-out").text = readable("\n".join(lines))
    return document(root)


def sarif(report: Mapping[str, Any]) -> str:
    """SARIF 2.1.0: a rule for each code, a result for each finding with every place of it."""
    codes = sorted({finding["code"] for finding in report["findings"]})
    results = [
        {
            "ruleId": finding["code"],
            "level": _LEVELS[finding["severity"]],
            "message": {"text": f"{finding['message']} {finding['remedy']}"},
            "locations": [_location(place) for place in finding["places"] or [_first_place(finding, report)]],
        }
        for finding in report["findings"]
    ]
    driver = {
        "name": "optilocal check",
        "version": __version__,
        "fullDescription": {"text": _ABOUT},
        "rules": [{"id": code, "shortDescription": {"text": code.replace("_", " ")}} for code in codes],
    }
    return as_json(
        {"$schema": _SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    )


def _first_place(finding: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    return (
        dict(finding["places"][0])
        if finding["places"]
        else {"file": report["datafile"]["source"], "line": None}
    )


def _location(place: Mapping[str, Any]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": place["file"]}}
    if place["line"]:
        physical["region"] = {"startLine": place["line"]}
    return {"physicalLocation": physical}


def _title(finding: Mapping[str, Any]) -> str:
    return f"{finding['event']}: {finding['code']}" if finding["event"] else str(finding["code"])


def _places(finding: Mapping[str, Any]) -> str:
    places = ", ".join(map(place_text, finding["places"][:3]))
    return f" ({places})" if places else ""
