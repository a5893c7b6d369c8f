"""What is handed out: the wheel has all it needs and works in an empty folder, the source archive has nothing besides."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def built(kind: str, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "build",
        f"--{kind}",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("optilocal-*")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_source_archive_has_nothing_that_git_ignores(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"README.md", "LICENSE", "static/index.html", "tests/test_packaging.py"} <= names
    assert names - set(listed.splitlines()) == {"PKG-INFO"}


def test_viewer_suite_and_types_travel_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (
        ("static", "optilocal/static"),
        ("scenarios", "optilocal/scenarios"),
        ("emulator", "optilocal/emulator"),
        ("forwarder", "optilocal/forwarder"),
        ("serving", "optilocal/serving"),
        ("interception", "optilocal/interception"),
    ):
        tracked = {
            path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        }
        assert tracked
        assert {f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" for path in tracked} <= names
    assert "optilocal/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"optilocal"}


def test_the_installed_command_works_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    target, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(install, check=True, timeout=120, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "NO_COLOR": "1"}

    def optilocal(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "optilocal", *arguments]
        return subprocess.run(
            command, cwd=empty, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    where = subprocess.run(
        [sys.executable, "-c", "import optilocal.emulator; print(optilocal.emulator.__file__)"],
        cwd=empty, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(target)), "the wheel is tried, not the checkout"
    assert optilocal("--version").stdout.startswith("optilocal 0.")
    done = optilocal("run", "--tag", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(empty.iterdir()) == [], "nothing is left lying about"
