"""A folder of source code → the track calls in it; names kept in constants are looked up in the same folder."""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from optilocal.scenarios.check.source_calls import Call, calls
from optilocal.scenarios.check.source_tokens import LANGUAGES, MARKED_UP, Language, Token, tokenize
from optilocal.scenarios.check.tracked import Place, Reading, Tracked
from optilocal.scenarios.language.problems import CannotRun

_NOT_ONES_OWN = frozenset(
    ("node_modules", "bower_components", "vendor", "Pods", "site-packages", "__pycache__", "venv", "dist", "build",
     "target", "coverage", "out", "bin", "obj", "DerivedData", "third_party")
)  # fmt: skip
_LARGEST = 2_000_000
_CONSTANT = re.compile(
    r"""(?<![\w$])([A-Za-z_$][\w$]*)["']?\s*(?::\s*[\w.<>?]+\s*)?(?:=>|:=|[:=])\s*@?("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
)
_ENUM_CASE = re.compile(r"""(?<![\w$])([A-Za-z_$][\w$]*)\s*\(\s*("(?:[^"\\\n]|\\.)*")\s*\)\s*[,;\n}]""")


def scan(path: Path, named: str, wrappers: Collection[str] = ()) -> Reading:
    """The track calls of a file, or of every source file below a folder. `named` is the path as the user wrote it.

    Raises CannotRun when there is no source file at all.
    """
    files = list(_files(path))
    if not files:
        endings = ", ".join(sorted(LANGUAGES))
        raise CannotRun(f"{named}: no source file in this folder; it looks for {endings}")
    reading = Reading(named, "source code")
    names = {"track", *wrappers}
    unresolved: list[tuple[Place, Path, Call]] = []
    for file in files:
        text = _text(file)
        if text is None or not any(name.casefold() in text.casefold() for name in names):
            continue
        language = LANGUAGES[file.suffix.casefold()]
        tokens = tokenize(text, language)
        track_calls = [*calls(tokens, language, wrappers), *_handlers(tokens, language, wrappers)]
        for call in track_calls:
            place = Place(_path_text(file, path, named), call.line)
            if call.name is None:
                unresolved.append((place, file, call))
            else:
                reading.tracked.append(Tracked(call.name, "source code", place, call.event))
    if unresolved:
        constants = _constants(files, {name for _, _, call in unresolved for name in call.references})
        for place, file, call in unresolved:
            values = next(filter(None, (_values(constants, name, file) for name in call.references)), ())
            for name in values:
                reading.tracked.append(Tracked(name, "source code", place, call.event))
            if not values:
                reading.unclear.append((place, call.text))
    reading.tracked.sort(key=lambda tracked: tracked.place)
    return reading


def _handlers(tokens: Sequence[Token], language: Language, wrappers: Collection[str]) -> Iterator[Call]:
    """The calls in attributes: `@click="analytics.track('Signed Up')"`, with nothing between name, = and quote."""
    if language is not MARKED_UP:
        return
    for name, equals, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
        is_attribute = equals.text == "=" and name.end == equals.start and equals.end == value.start
        if is_attribute and value.kind == "string" and value.text[:1] in "\"'":
            for call in calls(tokenize(value.text[1:-1], language), language, wrappers):
                yield replace(call, line=call.line + value.line - 1)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(
            name for name in folders if name not in _NOT_ONES_OWN and not name.startswith(".")
        )
        for name in sorted(names):
            file = Path(folder) / name
            if file.suffix.casefold() in LANGUAGES and not name.endswith(".min.js"):
                yield file


def _text(file: Path) -> str | None:
    try:
        if file.stat().st_size > _LARGEST:
            return None
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _path_text(file: Path, root: Path, named: str) -> str:
    return named if file == root else (Path(named) / file.relative_to(root)).as_posix()


def _constants(files: list[Path], wanted: set[str]) -> dict[str, dict[Path, set[str]]]:
    """For each wanted name the texts it is defined as, by file."""
    texts: dict[str, dict[Path, set[str]]] = {}
    for file in files:
        text = _text(file) or ""
        if not any(name in text for name in wanted):
            continue
        for pattern in (_CONSTANT, _ENUM_CASE):
            for match in pattern.finditer(text):
                if match[1] in wanted:
                    texts.setdefault(match[1], {}).setdefault(file, set()).add(match[2][1:-1])
    return texts


def _values(constants: dict[str, dict[Path, set[str]]], name: str, file: Path) -> tuple[str, ...]:
    """What a name stands for: as its own file defines it, else as all files agree; nothing where they do not."""
    by_file = constants.get(name, {})
    values = by_file.get(file) or set().union(*by_file.values())
    return tuple(values) if len(values) == 1 else ()
