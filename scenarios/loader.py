"""Paths → scenarios. Every mistake in every file is found before anything runs, each with its file and line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forwarder.destination import DEFAULT_MAPPING, Mapping, validate_mapping
from scenarios import datafiles
from scenarios.checker import Checker
from scenarios.checks import check_document
from scenarios.matchers import read_matcher
from scenarios.problems import AuthorProblem, CannotRun, ScenarioError, meant
from scenarios.scenario import Scenario, Step
from scenarios.times import clock_ms
from scenarios.yaml_nodes import Document, read_documents

SUFFIX = ".scenario.yaml"


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The scenario files that the paths name, folders searched through, sorted within each folder.

    Raises CannotRun for a path that is not there, is no scenario file, or holds none.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob(f"*{SUFFIX}"))
            if not found:
                raise CannotRun(f"{path}: no *{SUFFIX} file in this folder")
            files.extend(found)
        elif not path.exists():
            raise CannotRun(f"{path}: no such file or folder")
        elif not path.name.endswith((".yaml", ".yml")):
            raise CannotRun(f"{path}: not a scenario file; they end in {SUFFIX}")
        else:
            files.append(path)
    return list(dict.fromkeys(files))


def load(paths: Iterable[Path]) -> list[Scenario]:
    """All scenarios of all files. Raises CannotRun or ScenarioError; the latter with every mistake of every file."""
    scenarios: list[Scenario] = []
    problems: list[AuthorProblem] = []
    for file in find_files(paths):
        try:
            scenarios.extend(load_file(file))
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems)
    return scenarios


def load_file(file: Path) -> list[Scenario]:
    """The scenarios of one file, in order. Raises ScenarioError with every mistake in it."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError([AuthorProblem(file, 1, f"this is no UTF-8 text (byte {error.start})")]) from None
    except OSError as error:
        raise ScenarioError([AuthorProblem(file, 1, f"cannot be read: {error.strerror or error}")]) from None
    documents = read_documents(file, text, read_matcher)
    if not documents:
        raise ScenarioError([AuthorProblem(file, 1, "no scenario in this file")])
    problems: list[AuthorProblem] = []
    scenarios: list[Scenario] = []
    lines = text.splitlines()
    for number, document in enumerate(documents):
        end = documents[number + 1].first_line - 1 if number + 1 < len(documents) else len(lines)
        source = _source(lines, document.first_line, end)
        scenario = _scenario(document, source, problems)
        if scenario:
            scenarios.append(scenario)
    if problems:
        raise ScenarioError(problems)
    return scenarios


def _source(lines: list[str], first: int, last: int) -> str:
    kept = lines[first - 1 : last]
    while kept and (not kept[-1].strip() or kept[-1].startswith(("---", "#"))):
        kept.pop()
    return "\n".join(kept)


def _scenario(document: Document, source: str, problems: list[AuthorProblem]) -> Scenario | None:
    checker = Checker(document)
    try:
        steps_fine = check_document(checker)
        if not isinstance(document.value, dict):
            return None
        value: dict[str, Any] = document.value
        datafile = _datafile(checker, value)
        mappings = _mappings(checker, value.get("mappings", "default"))
        steps: tuple[Step, ...] = ()
        if steps_fine:
            steps = tuple(
                Step(index, kind, arguments, document.line(("steps", index)))
                for index, step in enumerate(value["steps"])
                for kind, arguments in step.items()
            )
            if datafile is not None:
                steps = _resolve_datafiles(checker, steps, datafile)
    finally:
        problems.extend(checker.problems)
    if checker.problems or datafile is None:
        return None
    return Scenario(
        name=value["scenario"].strip(),
        teaches=value.get("teaches"),
        tags=tuple(value.get("tags", ())),
        document=document,
        source=source,
        shown_file=_shown(document.file),
        datafile=datafile,
        settings=value.get("settings", {}),
        mappings=mappings,
        clock_ms=clock_ms(value["clock"]) if "clock" in value else None,
        steps=steps,
        expect=value["expect"],
    )


def _shown(file: Path) -> str:
    """The file as a person would type it from here."""
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.as_posix()


def _datafile(checker: Checker, value: dict[str, Any]) -> dict[str, Any] | None:
    named = value.get("datafile")
    try:
        if "datafile" not in value:
            return datafiles.read_datafile(datafiles.SHOP)
        if isinstance(named, str):
            return datafiles.read_datafile((checker.document.file.parent / named).resolve())
        if isinstance(named, dict):
            checker.no_matchers(named, ("datafile",), "datafile")
            return datafiles.check_datafile(named)
        raise ValueError(
            "datafile takes the path of a datafile from this file's folder, or the datafile itself"
        )
    except ValueError as error:
        checker.problem(("datafile",), str(error))
        return None


def _mappings(checker: Checker, value: Any) -> tuple[dict[str, Any], ...] | None:
    """The mappings as written, each field it does not name as Segment's mapping editor fills it; None for the default."""
    if value == "default":
        return None
    if not checker.kind(value, ("mappings",), list, "`default` or a list", "mappings"):
        return None
    if len(value) > 50:
        checker.problem(("mappings",), f"a destination takes at most 50 mappings, here are {len(value)}")
    read = []
    for index, item in enumerate(value):
        path = ("mappings", index)
        if not checker.keys(item, path, ("name", "trigger", "enabled", "fields"), "a mapping"):
            continue
        checker.no_matchers(item, path, "a mapping")
        fields = item.get("fields", {})
        if not (
            checker.kind(item.get("name", ""), (*path, "name"), str, "a text", "a mapping's name")
            and checker.kind(
                item.get("trigger", ""), (*path, "trigger"), str, "an FQL text", "a mapping's trigger"
            )
            and checker.kind(item.get("enabled", True), (*path, "enabled"), bool, "true or false", "enabled")
            and checker.kind(fields, (*path, "fields"), dict, "a mapping of field: value", "fields")
        ):
            continue
        for name in fields:
            if name not in DEFAULT_MAPPING.fields and not str(name).startswith("__"):
                checker.problem(
                    (*path, "fields", name),
                    f"the action has no field {name!r}{meant(name, DEFAULT_MAPPING.fields)}",
                )
        mapping = Mapping(
            name=item.get("name", f"Mapping {index + 1}"),
            trigger=item.get("trigger", DEFAULT_MAPPING.trigger),
            enabled=item.get("enabled", True),
            fields=with_defaults(fields),
        )
        try:
            validate_mapping(mapping)
        except Exception as error:
            checker.problem(path, f"the mapping {mapping.name!r} is refused: {error}")
        read.append(
            {
                "name": mapping.name,
                "trigger": mapping.trigger,
                "enabled": mapping.enabled,
                "fields": mapping.fields,
            }
        )
    return tuple(read)


def with_defaults(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, the action's default for each not named, as Segment's mapping editor starts; null clears one."""
    if any(str(name).startswith("__") for name in fields):
        return fields
    merged = {**DEFAULT_MAPPING.fields, **fields}
    return {name: value for name, value in merged.items() if not (name in fields and value is None)}


def _resolve_datafiles(
    checker: Checker, steps: tuple[Step, ...], datafile: dict[str, Any]
) -> tuple[Step, ...]:
    """Datafile steps as the datafile they lead to; and every flag, experiment, variation that an SDK step names exists."""
    resolved = []
    for step in steps:
        arguments = step.arguments
        path = ("steps", step.index, step.kind)
        if step.kind == "datafile":
            try:
                arguments, datafile = _datafile_step(checker, arguments, datafile)
            except ValueError as error:
                checker.problem(path, str(error))
        elif step.kind in ("decide", "activate"):
            _check_names(checker, path, step, datafile)
        resolved.append(Step(step.index, step.kind, arguments, step.line))
    return tuple(resolved)


def _datafile_step(checker: Checker, arguments: Any, datafile: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    if isinstance(arguments, str):
        new = datafiles.read_datafile((checker.document.file.parent / arguments).resolve())
        return {"whole": new}, new
    if "set" in arguments:
        new = datafiles.check_datafile(datafiles.with_changes(datafile, arguments["set"]))
        return {"whole": new}, new
    if "version" in arguments or "experiments" in arguments:
        new = datafiles.check_datafile(arguments)
        return {"whole": new}, new
    return arguments, datafile


def _check_names(checker: Checker, path: tuple[str | int, ...], step: Step, datafile: dict[str, Any]) -> None:
    flags, experiments = datafiles.names_in(datafile)
    if step.kind == "decide":
        flag = step.arguments["flag"]
        if flag not in flags:
            checker.problem((*path, "flag"), f"the datafile has no flag {flag!r}{meant(flag, flags)}")
        return
    experiment, variation = step.arguments["experiment"], step.arguments.get("variation")
    if experiment not in experiments:
        checker.problem(
            (*path, "experiment"),
            f"the datafile has no experiment {experiment!r}{meant(experiment, experiments)}",
        )
    elif variation is not None and variation not in experiments[experiment]:
        known = experiments[experiment]
        checker.problem(
            (*path, "variation"),
            f"the experiment {experiment!r} has no variation {variation!r}{meant(variation, known)}",
        )
