"""The house's rules on who may know whom, held against the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("emulator", "forwarder", "interception", "scenarios", "serving")
FORBIDDEN = {
    "emulator": {"forwarder", "interception", "scenarios"},
    "forwarder": {"emulator", "interception", "scenarios"},
    "interception": {"emulator", "forwarder", "scenarios"},
    "scenarios": set(),
    "serving": {"emulator", "forwarder", "interception", "scenarios"},
}
SQL_ROOMS = {
    "sqlite3": {
        "emulator/journal/sqlite_salvage.py",
        "emulator/journal/sqlite_statements.py",
        "emulator/journal/sqlite_store.py",
        "forwarder/store/sqlite.py",
        "forwarder/store/sqlite_connection.py",
        "forwarder/store/sqlite_salvage.py",
    },
    "psycopg": {"emulator/journal/postgresql_store.py", "serving/postgresql.py"},
}
CLOCK_ROOMS = {"emulator/clock.py", "serving/clock.py"}
WALL_CLOCK = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("date", "today"),
}


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that a boundary can be read off the line"
            yield node.module or ""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", list(modules()), ids=named)
def test_a_module_keeps_the_boundaries(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    names = list(imports(tree))
    roots = {name.split(".")[0] for name in names}
    packages = {name.split(".")[1] for name in names if name.startswith("optilocal.")}
    assert not roots & set(PACKAGES), "inside optilocal the one top-level name is optilocal"
    assert not packages & FORBIDDEN[named(path).split("/")[0]]
    assert ast.get_docstring(tree), "a module says what it is for"
    assert len(text.splitlines()) <= 400
    for database, its_rooms in SQL_ROOMS.items():
        assert named(path) in its_rooms or database not in roots
    if named(path) not in CLOCK_ROOMS:
        read = {
            (node.func.value.id, node.func.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        }
        assert not read & WALL_CLOCK, "only clock.py reads the wall clock"


def test_the_boundary_test_sees_every_package() -> None:
    assert {named(path).split("/")[0] for path in modules()} == set(PACKAGES)


def rooms() -> Iterator[str]:
    """The files and folders (with a final slash) that ARCHITECTURE.md's table of rooms names; `*` stands for any."""
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Rooms\n")[1].split("\n## ")[0]
    for line in table.splitlines():
        folder = ""
        for name in re.findall(r"`([^`]+)`", line.split("|")[1]) if line.startswith("| `") else ():
            at_home = name.split("/")[0] in (*PACKAGES, "static")
            folder = name.split("/")[0] + "/" if at_home else folder
            yield name if at_home else folder + name


def test_the_architecture_lists_every_room_and_no_other() -> None:
    named_rooms = list(rooms())
    files = [named(path) for path in modules() if not path.name.startswith("__")]
    for file in files:
        in_folders = [room for room in named_rooms if room.endswith("/") and file.startswith(room)]
        assert in_folders or any(fnmatch(file, room) for room in named_rooms), f"{file} has no row"
    for room in named_rooms:
        assert list(ROOT.glob(room.rstrip("/"))), f"{room} is not there"


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a module: the first folder in its package, or the module itself when it stands in none."""
    return "/".join(parts[:2])


def test_no_rooms_of_a_package_import_each_other_in_a_circle() -> None:
    known: dict[str, set[str]] = {}
    for path in modules():
        parts = path.relative_to(ROOT).with_suffix("").parts
        names = [tuple(name.split(".")[1:]) for name in imports(ast.parse(path.read_text(encoding="utf-8")))]
        inside = {room_of(name) for name in names if len(name) > 1 and name[0] == parts[0]}
        known.setdefault(room_of(parts), set()).update(inside - {room_of(parts)})
    # A room that imports nothing but rooms that are done is done too; what is left at the end is a circle.
    while done := {room for room, others in known.items() if not others & known.keys()}:
        known = {room: others for room, others in known.items() if room not in done}
    assert not known


def test_no_test_file_is_long() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        if "node_modules" not in path.parts:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_no_viewer_file_is_long_and_none_loads_from_elsewhere() -> None:
    files = [path for path in (ROOT / "static").rglob("*") if path.suffix in {".js", ".css", ".html"}]
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert path.suffix == ".css" or len(text.splitlines()) <= 250, path
        outside = re.findall(r"""(?:src|href|url|@import)\s*[=(]\s*["']?(https?:[^"')\s]+)""", text)
        assert not outside, f"{path}: {outside}"
