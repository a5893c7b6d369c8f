"""One checked document → a scenario: its datafile read, its mappings accepted, every name in a step known."""

from collections.abc import Collection
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION, Subscription, validate_mapping
from optilocal.forwarder.destination.trigger_lint import lint_trigger
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.pipeline.mappings import mapping_json
from optilocal.scenarios.language import datafile_source, datafiles
from optilocal.scenarios.language.before_mappings import read_parts
from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.document import MAPPING_KEYS, check_document
from optilocal.scenarios.language.names import Names
from optilocal.scenarios.language.problems import AuthorProblem, meant
from optilocal.scenarios.language.references import (
    check_changes,
    check_conversions,
    check_expectations,
    check_step,
    check_tracks,
)
from optilocal.scenarios.language.rows import Row
from optilocal.scenarios.language.scenario import Defaults, Scenario, Step
from optilocal.scenarios.language.times import clock_ms
from optilocal.scenarios.language.yaml_nodes import NodePath


def assemble(
    row: Row,
    source: str,
    shown_file: str,
    defaults: Defaults,
    problems: list[AuthorProblem],
    *,
    updating: bool = False,
) -> Scenario | None:
    """The scenario of one document or of one row of it; None when mistakes were found, which join `problems`.

    With `updating` the expectations may name what is not in the datafile: they are about to be rewritten.
    """
    document = row.document
    checker = Checker(document)
    try:
        steps_fine = check_document(checker)
        if not isinstance(document.value, dict):
            return None
        value: dict[str, Any] = document.value
        datafile = _datafile(checker, value, defaults)
        mappings = defaults.mappings
        if "mappings" in value:
            events = Names.of(datafile).events if datafile is not None else frozenset[str]()
            mappings = read_mappings(checker, value["mappings"], events)
        platform = read_parts(checker, value, defaults.platform)
        predictions: dict[str, list[dict[str, Any]]] = {}
        if isinstance(value.get("predictions"), dict) and datafile is not None:
            predictions = _predictions(checker, value["predictions"], datafile)
        steps: tuple[Step, ...] = ()
        if steps_fine:
            steps = tuple(
                Step(index, kind, arguments, document.line(("steps", index)))
                for index, step in enumerate(value["steps"])
                for kind, arguments in step.items()
            )
            if datafile is not None:
                steps = _resolve_datafiles(checker, steps, datafile, value.get("expect"), updating=updating)
    finally:
        problems.extend(checker.problems)
    if checker.problems or datafile is None:
        return None
    return Scenario(
        name=value["scenario"].strip() + row.suffix,
        teaches=value.get("teaches"),
        tags=tuple(dict.fromkeys((*defaults.tags, *value.get("tags", ())))),
        document=document,
        line=row.line,
        source=source,
        shown_file=shown_file,
        datafile=datafile,
        settings={**defaults.settings, **value.get("settings", {})},
        mappings=mappings,
        platform=platform,
        predictions=predictions,
        clock_ms=clock_ms(value["clock"]) if "clock" in value else defaults.clock_ms,
        steps=steps,
        expect=value["expect"],
    )


def _datafile(checker: Checker, value: dict[str, Any], defaults: Defaults) -> dict[str, Any] | None:
    if "datafile" in value:
        return read_datafile(checker, value["datafile"])
    return (
        defaults.datafile if defaults.datafile is not None else datafile_source.read_datafile(datafiles.SHOP)
    )


def read_datafile(checker: Checker, named: Any) -> dict[str, Any] | None:
    """The datafile that `datafile:` names or contains; None, and a problem noted, when it is not a datafile."""
    try:
        if isinstance(named, str):
            return datafile_source.find_datafile(named, checker.document.file.parent)
        if isinstance(named, dict):
            checker.no_matchers(named, ("datafile",), "datafile")
            return datafile_source.check_datafile(named)
        raise ValueError(
            "datafile takes the path of a datafile from this file's folder, its URL, or the datafile itself"
        )
    except ValueError as error:
        checker.problem(("datafile",), str(error))
        return None


def _predictions(
    checker: Checker, value: dict[str, Any], datafile: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Contextual bandit's id → the rows of its table."""
    from optilocal.emulator.datafile.bandit import (  # noqa: PLC0415 - seldom asked for
        PredictionError,
        bandit,
        no_bandit,
        parse_table,
    )

    checker.no_matchers(value, ("predictions",), "predictions")
    known, tables = Datafile(datafile), {}
    for named, table in value.items():
        rule = bandit(known, str(named))
        if rule is None:
            checker.problem(("predictions", named), f"predictions: {no_bandit(known, str(named))}")
            continue
        try:
            tables[rule.id] = parse_table(table, rule, known)
        except PredictionError as error:
            checker.problem(("predictions", named), f"predictions: {error}")
    return tables


def read_mappings(
    checker: Checker, value: Any, event_names: Collection[str] = ()
) -> tuple[dict[str, Any], ...] | None:
    """The mappings as written, each field not named as Segment's mapping editor fills it; None for the default.

    A trigger that is surely not meant is a mistake, unless its mapping says `lint: false`; `event_names` are those of the
    datafile.
    """
    if value == "default":
        return None
    if not checker.kind(value, ("mappings",), list, "`default` or a list", "mappings"):
        return None
    if len(value) > 50:
        checker.problem(("mappings",), f"a destination takes at most 50 mappings, here are {len(value)}")
    read = []
    for index, item in enumerate(value):
        path = ("mappings", index)
        if not checker.keys(item, path, MAPPING_KEYS.keys or (), "a mapping"):
            continue
        checker.no_matchers(item, path, "a mapping")
        fields = item.get("fields", {})
        if not (
            checker.kind(item.get("name", ""), (*path, "name"), str, "a text", "a mapping's name")
            and checker.kind(
                item.get("trigger", ""), (*path, "trigger"), str, "an FQL text", "a mapping's trigger"
            )
            and checker.kind(item.get("enabled", True), (*path, "enabled"), bool, "true or false", "enabled")
            and checker.kind(item.get("lint", True), (*path, "lint"), bool, "true or false", "lint")
            and checker.kind(fields, (*path, "fields"), dict, "a mapping of field: value", "fields")
        ):
            continue
        for name in fields:
            if name not in DEFAULT_SUBSCRIPTION.fields and not str(name).startswith("__"):
                checker.problem(
                    (*path, "fields", name),
                    f"the action has no field {name!r}{meant(name, DEFAULT_SUBSCRIPTION.fields)}",
                )
        mapping = Subscription(
            name=item.get("name", f"Subscription {index + 1}"),
            trigger=item.get("trigger", DEFAULT_SUBSCRIPTION.trigger),
            enabled=item.get("enabled", True),
            fields=with_defaults(fields),
        )
        if item.get("lint", True) and _lint(checker, (*path, "trigger"), mapping, event_names):
            continue
        try:
            validate_mapping(mapping)
        except DestinationError as error:
            reasons = " ".join(error.details)
            checker.problem(path, f"the mapping {mapping.name!r} is refused: {reasons}")
        read.append(mapping_json(mapping))
    return tuple(read)


def _lint(checker: Checker, path: NodePath, mapping: Subscription, event_names: Collection[str]) -> bool:
    """Note what in a trigger is surely not meant; whether there is anything."""
    as_tracked = mapping.fields.get("eventKey") == DEFAULT_SUBSCRIPTION.fields["eventKey"]
    notes = lint_trigger(mapping.trigger, event_names if as_tracked else ())
    for note in notes:
        checker.problem_within(path, note.text, f"trigger: {note.message}")
    return bool(notes)


def with_defaults(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, the action's default for each not named, as Segment's mapping editor starts; null clears one."""
    if any(str(name).startswith("__") for name in fields):
        return fields
    merged = {**DEFAULT_SUBSCRIPTION.fields, **fields}
    return {name: value for name, value in merged.items() if not (name in fields and value is None)}


def _resolve_datafiles(
    checker: Checker, steps: tuple[Step, ...], datafile: dict[str, Any], expect: Any, *, updating: bool
) -> tuple[Step, ...]:
    """Datafile steps as the datafile they lead to; every name that is taken from a datafile is looked up in it."""
    resolved, names = [], Names.of(datafile)
    ever = names
    for step in steps:
        arguments = step.arguments
        path = ("steps", step.index, step.kind)
        if step.kind == "datafile":
            try:
                arguments = _datafile_step(checker, path, arguments, datafile)
                if "whole" in arguments:
                    datafile = arguments["whole"]
                    names = Names.of(datafile)
                    ever |= names
            except ValueError as error:
                checker.problem(path, str(error))
        else:
            check_step(checker, path, step.kind, arguments, names)
        resolved.append(Step(step.index, step.kind, arguments, step.line))
    if isinstance(expect, dict) and not updating:
        check_tracks(checker, expect.get("tracks"), sum(step.kind == "track" for step in steps))
        check_conversions(
            checker, expect.get("conversions"), sum(step.kind == "event_batch" for step in steps)
        )
        check_expectations(checker, expect, ever)
    return tuple(resolved)


def _datafile_step(
    checker: Checker, path: tuple[str | int, ...], arguments: Any, datafile: dict[str, Any]
) -> dict[str, Any]:
    """The step with the whole datafile that it leads to, where it leads to one. Raises ValueError."""
    if isinstance(arguments, str):
        return {"whole": datafile_source.find_datafile(arguments, checker.document.file.parent)}
    if "set" in arguments:
        check_changes(checker, (*path, "set"), arguments["set"])
        return {"whole": datafile_source.check_datafile(datafiles.with_changes(datafile, arguments["set"]))}
    if "version" in arguments or "experiments" in arguments:
        return {"whole": datafile_source.check_datafile(arguments)}
    return dict(arguments)
