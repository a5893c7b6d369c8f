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


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which nothing but the wheel is installed."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True, timeout=120, capture_output=True)
    return target


@pytest.fixture
def environment(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(site), "NO_COLOR": "1"}


def test_the_wheel_is_what_is_tried_here(site: Path, environment: dict[str, str], tmp_path: Path) -> None:
    script = "import optilocal, optilocal.emulator; print(optilocal.__file__, optilocal.emulator.__file__)"
    where = run_in(tmp_path, environment, "-c", script)
    assert where.stdout.split() == [
        str(site / "optilocal" / "__init__.py"),
        str(site / "optilocal" / "emulator" / "__init__.py"),
    ]


def run_in(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_installed_command_works_in_an_empty_folder(environment: dict[str, str], tmp_path: Path) -> None:
    assert run_in(tmp_path, environment, "-m", "optilocal", "--version").stdout.startswith("optilocal 0.")
    done = run_in(tmp_path, environment, "-m", "optilocal", "run", "--tag", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing is left lying about"


SCENARIO = """\
scenario: A purchase is counted
steps:
  - decide: {user: u-1, flag: checkout}
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {event: Order Completed, userId: u-1}
expect:
  tracks:
    - outcome: counted
"""
TEST = """\
import emulator, forwarder, scenarios, serving, static, tests

def test_the_project_has_its_own_packages(optimizely):
    assert {m.mine for m in (emulator, forwarder, scenarios, serving, static, tests)} == {True}
    assert optimizely.base_url
"""


def test_a_project_may_have_packages_of_the_same_names(environment: dict[str, str], tmp_path: Path) -> None:
    for name in ("emulator", "forwarder", "scenarios", "serving", "static", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("mine = True\n")
    (tmp_path / "scenarios" / "buy.scenario.yaml").write_text(SCENARIO)
    (tmp_path / "tests" / "test_it.py").write_text(TEST)
    beside = {**environment, "PYTHONPATH": f".{os.pathsep}{environment['PYTHONPATH']}"}
    for variables in (environment, beside):
        done = run_in(tmp_path, variables, "-m", "optilocal", "run", "scenarios")
        assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    # Another optilocal may be installed beside this interpreter: the plugin is then named twice.
    plugin = ("-p", "optilocal.scenarios.pytest_plugin.plugin", "-p", "no:cacheprovider")
    alone = {**beside, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = run_in(tmp_path, alone, "-m", "pytest", "-q", *plugin)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
