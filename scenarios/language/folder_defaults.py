"""Reads `scenario-defaults.yaml`: the one beside a scenario file, over those of the folders above it."""

from pathlib import Path

from optilocal.scenarios.language.assembly import read_datafile, read_mappings
from optilocal.scenarios.language.before_mappings import read_parts
from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.document import check_defaults
from optilocal.scenarios.language.matchers import read_matcher
from optilocal.scenarios.language.problems import AuthorProblem, Mark, ScenarioError
from optilocal.scenarios.language.scenario import Defaults
from optilocal.scenarios.language.times import clock_ms
from optilocal.scenarios.language.yaml_nodes import read_documents

FILE_NAME = "scenario-defaults.yaml"
_HIGHEST = (".git", "pyproject.toml")
"""A folder that holds one of these is a project's top: nothing above it is looked at."""


def defaults_for(file: Path, problems: list[AuthorProblem]) -> Defaults:
    """What applies to a scenario file; mistakes in a defaults file join `problems`."""
    files: list[Path] = []
    for folder in file.resolve().parents:
        if (folder / FILE_NAME).is_file():
            files.append(folder / FILE_NAME)
        if any((folder / name).exists() for name in _HIGHEST):
            break
    defaults = Defaults()
    for shared in reversed(files):
        try:
            defaults = _over(defaults, shared)
        except ScenarioError as error:
            problems.extend(error.problems)
    return defaults


def _over(above: Defaults, file: Path) -> Defaults:
    documents = read_documents(file, file.read_text(encoding="utf-8-sig"), read_matcher)
    if not documents:
        return above
    if len(documents) > 1:
        raise ScenarioError(
            [documents[1].problem(Mark(documents[1].first_line), "defaults are one document, not several")]
        )
    checker = Checker(documents[0])
    value = documents[0].value
    defaults = above
    if check_defaults(checker):
        datafile = read_datafile(checker, value["datafile"]) if "datafile" in value else above.datafile
        mappings = read_mappings(checker, value["mappings"]) if "mappings" in value else above.mappings
        platform = read_parts(checker, value, above.platform)
        if not checker.problems:
            defaults = Defaults(
                tags=(*above.tags, *value.get("tags", ())),
                datafile=datafile,
                settings={**above.settings, **value.get("settings", {})},
                mappings=mappings,
                platform=platform,
                clock_ms=clock_ms(value["clock"]) if "clock" in value else above.clock_ms,
            )
    if checker.problems:
        raise ScenarioError(checker.problems)
    return defaults
