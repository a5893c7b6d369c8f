"""Datafiles named at the start: the keys they are served under, those of older projects, and what is said of them."""

import json
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import requests
from field_builders import datafile, experiment

from optilocal.emulator.datafile.datafile import DatafileError
from optilocal.emulator.datafile.source import sdk_keys
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings


def older(revision: str, **more: Any) -> dict[str, Any]:
    """A datafile of the time before SDK keys: neither sdkKey nor environmentKey."""
    raw = {**datafile(revision=revision), **more}
    return {
        key: value for key, value in raw.items() if key not in ("sdkKey", "environmentKey") or key in more
    }


def write(path: Path, content: dict[str, Any]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    return str(path)


def revision(server: EmulatorServer, path: str) -> object:
    answer = requests.get(f"{server.base_url}{path}", timeout=10)
    return answer.json()["revision"] if answer.status_code == 200 else answer.status_code


def test_two_environments_without_an_sdk_key_are_served_side_by_side(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = (write(tmp_path / "dev.json", older("30")), write(tmp_path / "prod.json", older("12")))
    with EmulatorServer(Settings(port=0, datafiles=files)) as server:
        assert revision(server, "/datafiles/20001_dev.json") == "30"
        assert revision(server, "/datafiles/20001_prod.json") == "12"
        assert revision(server, "/public/20001/s/dev.json") == "30"
        assert revision(server, "/public/20001/s/prod_v4.json") == "12"
        assert revision(server, "/public/12001/s/20001_dev.json") == "30"
        assert revision(server, "/public/20001/s/staging_v4.json") == 403
        assert revision(server, "/public/20001/datafile_v4.json") == "12"
    said = capfd.readouterr().err
    assert (
        "dev.json has no sdkKey: it is served as /datafiles/20001_dev.json, /public/20001/s/dev.json" in said
    )


def test_environment_keys_tell_them_apart_before_file_names(tmp_path: Path) -> None:
    files = (
        write(tmp_path / "a.json", older("1", environmentKey="development")),
        write(tmp_path / "b.json", older("2", environmentKey="production")),
    )
    with EmulatorServer(Settings(port=0, datafiles=files)) as server:
        assert revision(server, "/public/20001/s/development_v4.json") == "1"
        assert revision(server, "/public/20001/s/production.json") == "2"
        assert revision(server, "/datafiles/20001_production.json") == "2"


def test_both_environments_are_judged(tmp_path: Path) -> None:
    files = (
        write(tmp_path / "dev.json", older("1", experiments=[experiment("seat_dev")])),
        write(tmp_path / "prod.json", older("1", experiments=[experiment("seat_prod")])),
    )
    with EmulatorServer(Settings(port=0, datafiles=files)) as server:
        results = requests.get(f"{server.base_url}/_emulator/results", timeout=10).json()
    assert {"seat_dev", "seat_prod"} <= set(results["experiments"])


def test_a_single_one_goes_by_its_project(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "legacy.json", older("5"))
    with EmulatorServer(Settings(port=0, datafiles=(file,))) as server:
        assert revision(server, "/datafiles/20001.json") == "5"
        assert revision(server, "/public/20001/s/anything_v4.json") == "5"
    assert "/datafiles/20001.json, /public/20001/datafile_v4.json" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("one/shop.json", older("1")), ("two/shop.json", older("2"))),
        (("a.json", datafile()), ("b.json", datafile(revision="2"))),
    ],
)
def test_two_that_cannot_be_told_apart_are_refused_in_one_line(
    tmp_path: Path, first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]
) -> None:
    files = tuple(write(tmp_path / name, content) for name, content in (first, second))
    with pytest.raises(DatafileError, match="would both be served as") as caught:
        EmulatorServer(Settings(port=0, datafiles=files)).start()
    said = str(caught.value)
    assert all(file in said for file in files) and "\n" not in said


def test_one_of_two_environments_with_a_key_of_its_own_keeps_it() -> None:
    keys = sdk_keys({"a.json": {"projectId": "1", "sdkKey": "k"}, "b.json": {"projectId": "1"}})
    assert keys == {"a.json": "k", "b.json": "1"}


def test_a_changed_file_goes_on_under_its_key(tmp_path: Path) -> None:
    files = tuple(write(tmp_path / f"{name}.json", older("1")) for name in ("dev", "prod"))
    with EmulatorServer(Settings(port=0, datafiles=files)) as server:
        write(tmp_path / "dev.json", older("22"))
        listing = f"{server.base_url}/_emulator/datafiles"
        rows: dict[str, str] = {}
        deadline = monotonic() + 10
        while rows.get("20001_dev") != "22" and monotonic() < deadline:
            found = requests.get(listing, timeout=5).json()["datafiles"]
            rows = {row["sdkKey"]: row["revision"] for row in found}
        assert rows == {"20001_dev": "22", "20001_prod": "1"}


def test_what_is_odd_about_a_datafile_is_said_at_the_start_in_one_line_each(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rule = {key: value for key, value in experiment("seat", "running").items() if key != "audienceIds"}
    file = write(tmp_path / "odd.json", datafile(experiments=[rule]))
    with EmulatorServer(Settings(port=0, datafiles=(file,))) as server:
        assert revision(server, "/datafiles/sdk-1.json") == "1"
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert 'experiments[0].status is "running": Optimizely writes "Running"' in lines[0]
    assert "experiments[0].audienceIds is missing: Optimizely's Python SDK refuses the datafile" in lines[1]
