"""`python -m optilocal.forwarder`: options and their environment twins, one clear line for what is wrong, a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from optimizely_double import OptimizelyDouble

from optilocal.forwarder.cli import main, settings_from
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION
from optilocal.forwarder.settings import SettingsError

HERE = f"{Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"


def test_the_usual_settings() -> None:
    settings = settings_from([], {})
    assert (settings.host, settings.port, settings.optimizely) == ("127.0.0.1", 8411, "http://127.0.0.1:8410")
    assert settings.spool is None
    assert settings.destination_settings == {
        "accountId": "12001",
        "dataFileUrl": "https://cdn.optimizely.com/datafiles/default.json",
    }
    assert list(settings.mappings) == [DEFAULT_SUBSCRIPTION]


OPTIONS = [
    ("host", "::1", lambda s: s.host, "::1"),
    ("port", "9000", lambda s: s.port, 9000),
    ("optimizely", "http://e:1/", lambda s: s.optimizely, "http://e:1"),
    (
        "datafile-url",
        "https://x.test/d.json",
        lambda s: s.destination_settings["dataFileUrl"],
        "https://x.test/d.json",
    ),
    ("account-id", "77", lambda s: s.destination_settings["accountId"], "77"),
    ("access-token", "pat", lambda s: s.destination_settings["accessToken"], "pat"),
    ("spool", "/tmp/spool", lambda s: str(s.spool), "/tmp/spool"),
    ("workers", "9", lambda s: s.workers, 9),
    ("retry-base", "0.5", lambda s: s.retry.base_s, 0.5),
    ("allow-host", "a.test,b.test", lambda s: s.allowed_hosts, ("a.test", "b.test")),
]


@pytest.mark.parametrize(("name", "text", "read", "expected"), OPTIONS, ids=[option[0] for option in OPTIONS])
def test_a_flag_beats_the_environment_beats_the_default(
    name: str, text: str, read: Any, expected: Any
) -> None:
    twin = "FORWARDER_" + name.upper().replace("-", "_")
    assert read(settings_from([f"--{name}", text], {})) == expected
    assert read(settings_from([], {twin: text})) == expected
    other = {
        "port": "1",
        "workers": "2",
        "retry-base": "7",
        "optimizely": "http://o",
        "datafile-url": "https://o.test/",
    }
    assert read(settings_from([f"--{name}", text], {twin: other.get(name, "other")})) == expected


def test_names_are_given_one_by_one_too() -> None:
    arguments = ["--allow-host", "a.test", "--allow-host", "b.test"]
    assert settings_from(arguments, {"FORWARDER_ALLOW_HOST": "c.test"}).allowed_hosts == ("a.test", "b.test")


def test_a_settings_file(tmp_path: Path) -> None:
    mapping = {"name": "A", "trigger": 'type = "page"', "enabled": False, "fields": {"eventKey": "x"}}
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"accountId": "5", "sdkKey": "abc", "mappings": [mapping]}))
    settings = settings_from(["--settings", str(file), "--account-id", "6"], {})
    assert settings.destination_settings["accountId"] == "6"
    assert settings.destination_settings["dataFileUrl"] == "https://cdn.optimizely.com/datafiles/abc.json"
    assert [(one.name, one.trigger, one.enabled) for one in settings.mappings] == [
        ("A", 'type = "page"', False)
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--port", "many"],
            "Invalid value for '--port' (env var: 'FORWARDER_PORT'): 'many' is not a valid integer range",
        ),
        (
            ["--port", "70000"],
            "Invalid value for '--port' (env var: 'FORWARDER_PORT'): 70000 is not in the range 0<=x<=65535",
        ),
        (
            ["--workers", "0"],
            "Invalid value for '--workers' (env var: 'FORWARDER_WORKERS'): 0 is not in the range 1<=x<=64",
        ),
        (
            ["--retry-base", "0"],
            "a first retry after 0.0 seconds: use a number above 0",
        ),
        (
            ["--retry-base", "nan"],
            "a first retry after nan seconds: use a number above 0",
        ),
        (["--optimizely", "localhost:8410"], "the emulator's address 'localhost:8410' is not an http:// URL"),
        (
            ["--datafile-url", "not a url"],
            "the destination's settings: Datafile URL must be a valid URI string but it was not.",
        ),
        (
            ["--settings", "/nowhere/s.json"],
            "the settings file /nowhere/s.json cannot be read: No such file or directory",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err == f"forwarder: {says}\n"
    assert printed.out == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not valid JSON"),
        ("[]", "does not contain a JSON object"),
        ('{"account": 1}', "has an unknown key 'account'; known are accountId, "),
        ('{"mappings": [{"trigger": "x", "fields": {}}]}', "mapping 'Mapping 1': Invalid subscription"),
        ('{"mappings": 5}', "mappings are a list"),
        ('{"dataFileUrl": "x y"}', "Datafile URL must be a valid URI string but it was not."),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        settings_from(["--settings", str(file)], {})
    assert str(file) in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert (
        said == f"forwarder: cannot listen on 127.0.0.1:{port}: the port is taken by {HERE};"
        " name another port with --port, or 0 for any free one\n"
    )


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_told_to_stop(double: OptimizelyDouble, tmp_path: Path, end: signal.Signals) -> None:
    environment = {
        **os.environ,
        "FORWARDER_PORT": "0",
        "FORWARDER_OPTIMIZELY": double.url,
        "FORWARDER_SPOOL": str(tmp_path / "spool"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "optilocal.forwarder"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        name, url = process.stdout.readline().split()
        assert name == "forwarder"
        answer = requests.post(
            f"{url}/v1/track", json={"event": "Order Completed", "userId": "u"}, timeout=10
        )
        assert answer.status_code == 200
        done = requests.get(f"{url}/_forwarder/deliveries?state=done&wait=10", timeout=20).json()[
            "deliveries"
        ]
        assert [row["outcome"] for row in done] == ["sent"]
        process.send_signal(end)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
