"""`optilocal up --tls`, `optilocal ca`, and a port that is taken."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from optilocal.interception.hosts import HOSTS
from optilocal.scenarios.cli import main

UP = [sys.executable, "-m", "optilocal", "up", "--emulator-port", "0", "--forwarder-port", "0"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/optilocal"


def rows(text: str) -> dict[str, str]:
    """What `optilocal ca` printed, by the words before it."""
    return {line[:12].strip(): line[13:] for line in text.splitlines()}


def test_curl_reaches_the_real_hosts_on_the_port_by_their_names(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = subprocess.Popen([*UP, "--tls", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        found = re.fullmatch(r"tls       (127\.0\.0\.1:\d+)  as the real hosts; trusted by (.*)\n", lines[2])
        assert found is not None, lines
        assert lines[3].startswith("datafile  the shipped shop's; yours with --datafile FILE|URL")
        assert main(["ca"]) == 0
        shown = rows(capsys.readouterr().out)
        assert shown["certificate"] == str(state / "ca.pem")
        assert shown["bundle"].startswith(found[2])
        curl = [
            "curl",
            "-sS",
            "--connect-to",
            f"::{found[1]}",
            "--noproxy",
            "*",
            "-o",
            os.devnull,
            "-w",
            "%{http_code}",
        ]
        for trusted in (shown["certificate"], found[2]):
            url = "https://cdn.optimizely.com/datafiles/SHOPkA7pQ2mXv9Rt.json"
            done = subprocess.run(
                [*curl, "--cacert", trusted, url], capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stdout) == (0, "200"), done.stderr
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_ca_says_what_to_trust_and_makes_it_once(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ca"]) == 0
    first = rows(capsys.readouterr().out)
    assert main(["ca"]) == 0
    assert rows(capsys.readouterr().out) == first
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", first["SHA-256"])
    assert first["only for"] == ", ".join(HOSTS)
    assert first["private key"].startswith(str(state / "ca-key.pem"))
    assert (state / "ca-key.pem").stat().st_mode & 0o777 == 0o600
    assert Path(first["bundle"].split("  ")[0]).is_file() and Path(first["Java"].split("  ")[0]).is_file()


def test_ca_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert main(["ca"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "name another folder with XDG_STATE_HOME" in line


@pytest.mark.parametrize("option", ["--emulator-port", "--forwarder-port", "--tls"])
def test_a_taken_port_names_its_option_and_who_holds_it(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*UP, option, str(port)], capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"cannot listen on 127.0.0.1:{port}: the port is taken" in line
    assert line.endswith(f"name another port with {option}, or 0 for any free one")
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in line
