"""`optilocal exec` as a process: whose exit code it has, what it says at the end, and what Ctrl-C does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

KEY = json.loads(SHOP.read_bytes())["sdkKey"]
EXEC = [sys.executable, "-m", "optilocal", "exec"]
SENDS = """
import requests
for user, event in (("u-1", "Order Completed"), ("u-2", "order completed")):
    body = {"writeKey": "k", "userId": user, "event": event, "messageId": f"m-{user}"}
    requests.post("https://api.segment.io/v1/track", json=body).raise_for_status()
requests.post("https://api.segment.io/v1/identify", json={"writeKey": "k", "userId": "u-1"}).raise_for_status()
print(requests.get("https://cdn.optimizely.com/datafiles/nobody.json").status_code)
"""
WAITS = """
import os, signal, sys, time
heard = []
def hear(number, frame):
    heard.append(number)
    print("heard", number, flush=True)
    if not os.environ.get("STUBBORN"):
        sys.exit(7)
signal.signal(signal.SIGINT, hear)
signal.signal(signal.SIGTERM, hear)
print("waits", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in list(os.environ):
        if name.startswith(("OPTILOCAL", "EMULATOR_", "FORWARDER_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def up() -> Iterator[LocalServers]:
    options = ServerOptions(emulator_port=0, forwarder_port=0, datafiles=(str(SHOP),))
    with LocalServers(options, with_forwarder=True) as running:
        yield running


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EXEC, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def program(text: str, *options: str) -> tuple[str, ...]:
    return (*options, "--", sys.executable, "-c", text)


def test_what_was_caught_counted_and_lost_is_one_line(tmp_path: Path) -> None:
    reports = [tmp_path / name for name in ("r.json", "r.xml", "r.html")]
    named = [word for file in reports for word in ("--scenario-report", str(file))]
    done = run(*program(SENDS, *named))
    assert (done.returncode, done.stdout) == (0, "403\n"), done.stderr
    (line,) = done.stderr.splitlines()
    assert line == (
        "optilocal: caught 4 requests (api.segment.io 3, cdn.optimizely.com 1); 0 events counted, 2 lost "
        "(unmatched_event_key 1, user_not_activated 1); 0 decisions; 1 other call that no mapping takes; "
        f"no datafile is served for nobody (--datafile); verdicts are in {', '.join(map(str, reports))}"
    )
    run_document = json.loads(reports[0].read_text(encoding="utf-8"))
    assert run_document["counts"] == {"total": 2, "passed": 0, "failed": 2, "error": 0}
    entries = {entry["id"]: entry for entry in run_document["scenarios"]}
    assert entries["m-u-2"]["reason"].startswith("unmatched_event_key: ")
    assert entries["m-u-2"]["verdicts"][0]["nearest"][0] == "Order Completed"
    cases = list(ElementTree.parse(reports[1]).iter("testcase"))
    assert len(cases) == 2 and all(case.find("failure") is not None for case in cases)
    assert "unmatched_event_key" in reports[2].read_text(encoding="utf-8")
    assert {file.stat().st_mode & 0o777 for file in reports} == {0o600}


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["sh", "-c", "exit 7"], 7, "caught 0 requests"),
        (["sh", "-c", "kill -TERM $$"], 143, "caught 0 requests"),
        (["no-such-command"], 127, "no-such-command: there is no such command"),
        (["/etc/passwd"], 126, "/etc/passwd cannot be run: Permission denied"),
    ],
)
def test_the_exit_code_is_as_under_a_shell(command: list[str], code: int, said: str) -> None:
    done = run("--", *command)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"optilocal: {said}")


def test_only_fails_a_run_that_wanted_to_reach_another_host_and_names_it() -> None:
    tries = "import requests, sys\ntry: requests.get('https://example.com/')\nexcept requests.RequestException: sys.exit({code})"
    for code, ended in ((0, 1), (3, 3)):
        done = run(*program(tries.format(code=code), "--only"))
        assert done.returncode == ended
        assert "refused by --only: example.com 1" in done.stderr
    done = run(*program("pass", "--only"))
    assert done.returncode == 0


def test_what_it_cannot_do_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("", encoding="utf-8")
    cases = [
        (["true"], "write -- before the command"),
        (["--"], "missing argument"),
        (["--datafile", "missing.json", "--", "true"], "missing.json cannot be read: No such file"),
        (["--emulator", "http://127.0.0.1:9", "--", "true"], "no emulator answers at http://127.0.0.1:9"),
        (["--forwarder", "http://127.0.0.1:9", "--", "true"], "--forwarder goes with --emulator"),
        (
            ["--emulator", "http://127.0.0.1:9", "--datafile", "d.json", "--", "true"],
            "--datafile goes without --emulator",
        ),
        (["--allow", "example.com", "--", "true"], "--allow goes with --only"),
        (["--scenario-report", "r.txt", "--", "true"], "name one file each ending in .json"),
        (["--scenario-report", str(tmp_path / "no" / "r.json"), "--", "true"], "cannot write"),
    ]
    for arguments, said in cases:
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        (line,) = done.stderr.splitlines()
        assert said.lower() in line.lower(), line
    os.environ["XDG_STATE_HOME"] = str(tmp_path / "blocked")
    done = run("--", "true")
    assert done.returncode == 2 and done.stderr.startswith(
        "optilocal: the certificate authority cannot be kept in"
    )
    os.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    done = subprocess.run(
        [*EXEC, "--", "true"], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "HTTPS_PROXY": "socks5://127.0.0.1:1"},
    )  # fmt: skip
    assert done.returncode == 2 and "only a proxy at http://" in done.stderr


def test_a_running_sandbox_and_a_namespace_of_it_can_be_used(up: LocalServers) -> None:
    EmulatorClient(up.emulator_url, "blue").put_datafile(KEY, json.loads(SHOP.read_bytes()))
    for extra in (["--forwarder", up.forwarder_url], []):
        done = run(*program(SENDS, "--emulator", up.emulator_url, "--namespace", "blue", *extra))
        assert done.returncode == 0
        assert "0 events counted, 2 lost" in done.stderr, "what came before is not counted again"
    verdicts = EmulatorClient(up.emulator_url, "blue").verdicts(message_id="m-u-1")
    assert [row["outcome"] for row in verdicts if row["delivery"]] == [
        "user_not_activated",
        # Another forwarder knows nothing of the first messageId, and at another time it is another event to Optimizely.
        "user_not_activated",
    ]
    inner = [*EXEC, "--quiet", "--datafile", str(SHOP), "--", "printenv", "OPTILOCAL_EMULATOR"]
    done = run("--emulator", up.emulator_url, "--quiet", "--", *inner)
    assert done.stdout.strip() not in ("", up.emulator_url), (
        "a datafile that was typed asks for a sandbox of its own"
    )
    done = run(
        "--emulator",
        up.emulator_url,
        "--quiet",
        "--",
        *EXEC,
        "--quiet",
        "--",
        "printenv",
        "OPTILOCAL_EMULATOR",
    )
    assert (done.stdout.strip(), done.stderr) == (up.emulator_url, "")


def started(**environment: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*EXEC, *program(WAITS)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "waits\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_program_once_and_everything_ends(number: signal.Signals) -> None:
    process = started()
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (7, f"heard {int(number)}\n")
    assert errors.startswith("optilocal: caught 0 requests") and len(errors.splitlines()) == 1


def test_a_second_signal_ends_a_stubborn_program_at_once() -> None:
    process = started(STUBBORN="1")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None and process.stdout.readline() == "heard 2\n"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (130, "", "")


AT_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def test_ctrl_c_at_a_terminal_reaches_the_program_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, *EXEC, *program(WAITS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == b"waits\r\n"
    process.stdin.write(b"\x03")
    process.stdin.flush()
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 7
    assert shown.count(b"heard 2") == 1 and b"optilocal: caught 0 requests" in shown
