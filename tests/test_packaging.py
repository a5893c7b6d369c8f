"""The wheel: everything it needs travels in it, and it works in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("optilocal-*.whl")
    return built


def test_viewer_suite_and_types_travel_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (
        ("static", "emulator/static"),
        ("scenarios/suite", "scenarios/suite"),
        ("emulator", "emulator"),
    ):
        tracked = {
            path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        }
        assert tracked
        assert {f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" for path in tracked} <= names
    assert {f"{package}/py.typed" for package in ("emulator", "forwarder", "scenarios")} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "emulator",
        "forwarder",
        "scenarios",
        "optilocal",
    }


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
        command = [sys.executable, "-m", "scenarios", *arguments]
        return subprocess.run(
            command, cwd=empty, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    where = subprocess.run(
        [sys.executable, "-c", "import emulator.viewer; print(emulator.viewer.__file__)"],
        cwd=empty, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(target)), "the wheel is tried, not the checkout"
    assert optilocal("--version").stdout.startswith("optilocal 0.")
    done = optilocal("run", "--tag", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(empty.iterdir()) == [], "nothing is left lying about"
