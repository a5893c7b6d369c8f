"""`optilocal run --update`: the expectations that differ are rewritten in place; comments, order and the rest stay."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from optilocal.scenarios.editing.expectation_changes import ROWS, Change, applied, at, changes
from optilocal.scenarios.editing.yaml_edit import CannotEdit, Editor
from optilocal.scenarios.language.document import nothing_expected
from optilocal.scenarios.language.loader import load_file
from optilocal.scenarios.language.matchers import read_matcher
from optilocal.scenarios.language.problems import CannotRun, ScenarioError
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.language.yaml_nodes import NodePath, read_documents

_NOT_CI = ("", "0", "false", "no")


@dataclass
class Updated:
    """What was rewritten and what could not be, each a line for people that begins with `file:line`."""

    changed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def check_allowed(times: int, environment: Mapping[str, str] = os.environ) -> None:
    """Raises CannotRun for --update in CI, where a build must not rewrite its own expectations; given twice it may."""
    if times == 1 and environment.get("CI", "").casefold() not in _NOT_CI:
        raise CannotRun(
            "--update rewrites expectations, which a CI build should not do by itself (CI is set); "
            "say it twice, --update --update, if this one should"
        )


def update(scenarios: Sequence[Scenario], run: Mapping[str, Any]) -> Updated:
    """Rewrite the files of the scenarios that failed, so that they expect what the run captured."""
    entries = dict(zip((id(scenario) for scenario in scenarios), run["scenarios"], strict=False))
    updated = Updated()
    documents: dict[tuple[Path, int], list[Scenario]] = {}
    for scenario in scenarios:
        documents.setdefault((scenario.file, scenario.document.first_line), []).append(scenario)
    for file in dict.fromkeys(scenario.file for scenario in scenarios):
        # From the last document to the first: the lines of those that are still to come stay as they were read.
        for _, of_document in sorted(
            ((key, value) for key, value in documents.items() if key[0] == file), key=lambda item: -item[0][1]
        ):
            failed = [
                scenario
                for scenario in of_document
                if entries.get(id(scenario), {}).get("status") == "failed"
            ]
            if failed:
                _update_document(failed, len(of_document), entries, updated)
    updated.changed.reverse()
    return updated


def again(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """The same scenarios as their files have them now, wherever they stand in them."""
    loaded: dict[Path, list[Scenario]] = {}
    for file in {scenario.file for scenario in scenarios}:
        loaded[file] = load_file(file, updating=True)
    return [loaded[scenario.file][scenario.number] for scenario in scenarios]


def _update_document(
    failed: Sequence[Scenario], rows: int, entries: Mapping[int, Mapping[str, Any]], updated: Updated
) -> None:
    file, first_line = failed[0].file, failed[0].document.first_line
    text = _read(file)
    before = read_documents(file, text, read_matcher)
    number = next(index for index, document in enumerate(before) if document.first_line == first_line)
    document = before[number].value
    place = f"{failed[0].shown_file}:{first_line}"
    wanted: dict[NodePath, Change] = {}
    asked: dict[NodePath, list[Change]] = {}
    for scenario in failed:
        for change in changes(scenario, entries[id(scenario)]):
            own = _row_change(document, scenario, change)
            if own is not None:
                wanted[own.path] = own
            else:
                asked.setdefault(change.path, []).append(change)
    for path, same in asked.items():
        if "rows" in document and not (len(same) == rows and all(change == same[0] for change in same)):
            updated.refused.append(f"{place}: its rows differ at {_where(path)}; change it by hand")
        else:
            wanted[path] = same[0]
    if not wanted:
        return
    try:
        new = _rewritten(file, text, number, list(wanted.values()), missing="expect" not in document)
    except CannotEdit as reason:
        updated.refused.append(f"{place}: not rewritten, {reason}; change it by hand")
        return
    _write(file, new)
    plural = "expectation" if len(wanted) == 1 else "expectations"
    updated.changed.append(f"{place}: {len(wanted)} {plural} rewritten")


def _row_change(document: Any, scenario: Scenario, change: Change) -> Change | None:
    """An expectation that is a row's value changes in that row."""
    if "rows" not in document or change.removed or change.added:
        return None
    try:
        placed = at(document, change.path)
    except (KeyError, IndexError, TypeError):
        return None
    match = ROWS.fullmatch(placed) if isinstance(placed, str) else None
    return None if match is None else replace(change, path=("rows", scenario.row, match[1]))


def _rewritten(file: Path, text: str, number: int, wanted: list[Change], *, missing: bool) -> str:
    """The text with the changes in it; what it then reads as is checked before anything is written."""
    documents = [document.value for document in read_documents(file, text, read_matcher)]
    base = (
        {**documents[number], "expect": nothing_expected(documents[number])} if missing else documents[number]
    )
    desired = applied(base, wanted)
    documents[number] = desired
    reasons = []
    for attempt in (_added_whole,) if missing else (_finely, _coarsely):
        try:
            new = attempt(text, number, wanted, desired)
            if [document.value for document in read_documents(file, new, read_matcher)] == documents:
                return new
            reasons.append("it would not read back as what was captured")
        except ScenarioError:
            reasons.append("an alias or the layout around it stands in the way")
        except (CannotEdit, ValueError) as reason:
            reasons.append(str(reason))
    raise CannotEdit(reasons[0])


def _added_whole(text: str, number: int, _wanted: list[Change], desired: Any) -> str:
    editor = Editor(text, number)
    editor.add((), "expect", [desired["expect"]])
    return editor.text()


def _finely(text: str, number: int, wanted: list[Change], _desired: Any) -> str:
    editor = Editor(text, number)
    additions: dict[NodePath, list[Any]] = {}
    for change in wanted:
        if change.removed:
            editor.remove(change.path)
        elif not change.added:
            editor.replace(change.path, change.value)
        elif isinstance(change.path[-1], int):
            additions.setdefault(change.path[:-1], []).append(change.value)
        else:
            editor.add(change.path[:-1], str(change.path[-1]), [change.value])
    for path, values in additions.items():
        editor.add(path, None, values)
    return editor.text()


def _coarsely(text: str, number: int, wanted: list[Change], desired: Any) -> str:
    """Whole items: a track, or a part of `expect`; comments within them are lost."""
    editor = Editor(text, number)
    depth = 2 if any(len(change.path) == 3 for change in wanted) else 3
    for path in dict.fromkeys(
        change.path[: depth if {"tracks", "conversions"} & set(change.path[:2]) else 2] for change in wanted
    ):
        editor.replace(path, at(desired, path))
    return editor.text()


def _where(path: NodePath) -> str:
    return ".".join(str(step) for step in path)


def _read(file: Path) -> str:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return stream.read()


def _write(file: Path, text: str) -> None:
    """Write a file atomically; its mode and its byte order mark stay."""
    marked = file.read_bytes().startswith(b"\xef\xbb\xbf")
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.touch(mode=0o600)
        beside.write_bytes((b"\xef\xbb\xbf" if marked else b"") + text.encode("utf-8"))
        shutil.copymode(file, beside)
        beside.replace(file)
    except OSError as error:
        raise CannotRun(f"cannot write {file}: {error.strerror}") from None
