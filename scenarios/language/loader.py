"""Paths → scenarios. Every mistake in every file is found before anything runs, each with its file and line."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from optilocal.scenarios.language.assembly import assemble
from optilocal.scenarios.language.document import nothing_expected
from optilocal.scenarios.language.folder_defaults import defaults_for
from optilocal.scenarios.language.matchers import read_matcher
from optilocal.scenarios.language.paths import shown
from optilocal.scenarios.language.problems import AuthorProblem, CannotRun, Mark, ScenarioError
from optilocal.scenarios.language.rows import expand
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.language.yaml_nodes import Document, read_documents

SUFFIX = ".scenario.yaml"


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The scenario files that the paths name, folders searched through, sorted within each folder.

    Raises CannotRun for a path that is not there, is not a scenario file, or holds none.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob(f"*{SUFFIX}"))
            if not inside:
                raise CannotRun(f"{path}: no *{SUFFIX} file in this folder")
            files.extend(inside)
        elif not path.exists():
            raise CannotRun(f"{path}: no such file or folder")
        elif not path.name.endswith((".yaml", ".yml")):
            raise CannotRun(f"{path}: not a scenario file; they end in {SUFFIX}")
        else:
            files.append(path)
    return list(dict.fromkeys(files))


def load(paths: Iterable[Path], *, updating: bool = False) -> list[Scenario]:
    """All scenarios of all files. Raises CannotRun or ScenarioError; the latter with every mistake of every file.

    `updating` says that expectations will be rewritten: a document without `expect` is taken as one that whatever happens
    differs from, and expectations may name what is no longer in the datafile.
    """
    scenarios: list[Scenario] = []
    problems: list[AuthorProblem] = []
    for file in find_files(paths):
        try:
            scenarios.extend(load_file(file, updating=updating))
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems)
    return scenarios


def load_file(file: Path, *, updating: bool = False) -> list[Scenario]:
    """The scenarios of one file, in order. Raises ScenarioError with every mistake in it."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(
            file, f"this is not UTF-8 text (byte {error.start}); save the file as UTF-8"
        ) from None
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror or error}") from None
    documents = read_documents(file, text, read_matcher)
    if not documents:
        raise _unusable(file, "there is no scenario in this file")
    problems: list[AuthorProblem] = []
    scenarios: list[Scenario] = []
    lines = text.splitlines()
    defaults, name = defaults_for(file, problems), shown(file)
    for number, document in enumerate(documents):
        end = documents[number + 1].first_line - 1 if number + 1 < len(documents) else len(lines)
        source = _source(lines, document.first_line, end)
        whole = _completed(document) if updating else document
        for index, row in enumerate(expand(whole, problems)):
            scenario = assemble(row, source, name, defaults, problems, updating=updating)
            if scenario:
                scenarios.append(replace(scenario, number=len(scenarios), row=index))
    if problems:
        raise ScenarioError(problems)
    return scenarios


def _unusable(file: Path, message: str) -> ScenarioError:
    return ScenarioError([AuthorProblem(file, Mark(1), message)])


def _completed(document: Document) -> Document:
    value = document.value
    if not isinstance(value, dict) or "expect" in value:
        return document
    return replace(document, value={**value, "expect": nothing_expected(value)})


def _source(lines: list[str], first: int, last: int) -> str:
    body = lines[first - 1 : last]
    while body and (not body[-1].strip() or body[-1].startswith(("---", "#"))):
        body.pop()
    return "\n".join(body)
