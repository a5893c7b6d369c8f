"""The server itself and `python -m optilocal.emulator`: start, stop, ports, options, and what goes wrong in one line."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from field_builders import datafile

from optilocal.emulator.cli import main
from optilocal.emulator.datafile.datafile import DatafileError
from optilocal.emulator.server import EmulatorServer, ServerError
from optilocal.emulator.settings import OPTIONS, Settings, read_settings
from optilocal.serving.clock import monotonic
from optilocal.serving.options import OptionsError, Twin


class Stopped:
    def now_ms(self) -> int:
        return 1_000


def test_it_answers_as_soon_as_it_has_started_and_can_be_stopped_twice() -> None:
    server = EmulatorServer(Settings(port=0))
    assert server.start() is server
    assert server.start() is server
    url = f"{server.base_url}/_emulator/health"
    assert server.base_url == f"http://127.0.0.1:{server.port}"
    assert requests.get(url, timeout=5).json()["status"] == "ok"
    server.stop()
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_stopping_does_not_wait_for_idle_clients() -> None:
    with EmulatorServer(Settings(port=0)) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        assert requests.get(f"{server.base_url}/_emulator/health", timeout=5).ok
        name = f"emulator-{server.port}"
        assert name in [thread.name for thread in threading.enumerate()]
    for connection in idle:
        assert connection.recv(1) == b""
        connection.close()
    assert not [thread for thread in threading.enumerate() if thread.name == name]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/_emulator/clock", b""),
        ("PUT", "/_emulator/clock", b'{"now": "2026-01-02T03:04:05.678Z"}'),
        ("PUT", "/ns/a.b/_emulator/datafiles/K/state", b'{"deactivated": true}'),
        ("GET", "/ns/a.b/_emulator/exchanges?surface=events&limit=3", b""),
        ("GET", "/ns/%C3%A4/_emulator/health", b""),
        ("PUT", "/_emulator/clock", b"{"),
        ("GET", "/datafiles/K.json", b""),
        ("GET", "/nothing/here", b""),
        ("DELETE", "/_emulator/faults", b""),
    ],
)
def test_whoever_has_it_in_the_same_process_is_answered_alike(method: str, path: str, body: bytes) -> None:
    given = {"Content-Type": "application/json"} if body else {}
    with EmulatorServer(Settings(port=0), Stopped()) as server:
        over_http = requests.request(method, server.base_url + path, data=body, headers=given, timeout=5)
        assert server.ask(method, path, body, given) == (over_http.status_code, over_http.content)


def test_a_foreign_page_is_refused_in_the_same_process_too() -> None:
    with EmulatorServer(Settings(port=0)) as server:
        status, _ = server.ask("GET", "/_emulator/verdicts", b"", {"Origin": "https://evil.example"})
        assert status == 403


def test_a_connection_that_a_fault_breaks_is_broken_in_the_same_process_too() -> None:
    with EmulatorServer(Settings(port=0)) as server:
        fault = b'[{"on": "datafile", "break": "reset"}]'
        server.ask("PUT", "/_emulator/faults", fault, {"Content-Type": "application/json"})
        with pytest.raises(ConnectionResetError, match="GET /datafiles/K"):
            server.ask("GET", "/datafiles/K.json", b"", {})


def test_one_that_does_not_serve_says_so() -> None:
    server = EmulatorServer(Settings(port=0))
    with pytest.raises(ServerError, match="not started"):
        server.ask("GET", "/_emulator/health", b"", {})
    with server:
        assert server.ask("GET", "/_emulator/health", b"", {})[0] == 200
    with pytest.raises(ServerError, match="was stopped"):
        server.ask("GET", "/_emulator/health", b"", {})


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with EmulatorServer(Settings(port=0)) as server:
        with pytest.raises(ServerError, match="the port is taken") as caught:
            EmulatorServer(Settings(port=server.port)).start()
        assert str(server.port) in str(caught.value)


def test_the_port_is_free_again_at_once() -> None:
    with EmulatorServer(Settings(port=0)) as first:
        requests.get(f"{first.base_url}/_emulator/health", timeout=5)
        port = first.port
    with EmulatorServer(Settings(port=port)) as second:
        assert second.port == port


def test_a_host_that_is_none_is_one_clear_line() -> None:
    with pytest.raises(ServerError, match="cannot listen on no-such-host"):
        EmulatorServer(Settings(host="no-such-host.invalid", port=0)).start()


@pytest.mark.parametrize(
    ("host", "reached"), [("localhost", "localhost"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")]
)
def test_other_addresses_of_this_machine(host: str, reached: str) -> None:
    try:
        server = EmulatorServer(Settings(host=host, port=0)).start()
    except ServerError:
        pytest.skip(f"this machine has no {host}")
    with server:
        assert server.base_url == f"http://{reached}:{server.port}"
        assert requests.get(f"{server.base_url}/_emulator/health", timeout=5).ok


def test_a_clock_can_be_handed_in() -> None:
    with EmulatorServer(Settings(port=0), Stopped()) as server:
        clock = requests.get(f"{server.base_url}/_emulator/clock", timeout=5).json()
    assert clock["now_ms"] == 1_000


def write(path: Path, **more: object) -> Path:
    path.write_text(json.dumps(datafile(**more)), "utf-8")
    return path


def until(server: EmulatorServer, revision: str) -> bool:
    """Whether the datafile's revision is served within ten seconds."""
    deadline = monotonic() + 10
    while monotonic() < deadline:
        if requests.get(f"{server.base_url}/datafiles/sdk-1.json", timeout=5).json()["revision"] == revision:
            return True
    return False


def test_a_datafile_named_at_the_start_is_served_and_watched(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "shop.json")
    with EmulatorServer(Settings(port=0, datafiles=(str(path),))) as server:
        assert until(server, "1")
        path.write_text("{", "utf-8")
        os.utime(path, ns=(1, 1))
        write(path, revision="2")
        assert until(server, "2")
        write(path, revision="2", attributes=[])
        listing = f"{server.base_url}/_emulator/datafiles"
        deadline = monotonic() + 10
        while (
            len(requests.get(listing, timeout=5).json()["datafiles"][0]["revisions"]) < 3
            and monotonic() < deadline
        ):
            pass
    assert "revision is still '2'" in capfd.readouterr().err


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(datafile()), "utf-8-sig")
    with EmulatorServer(Settings(port=0, datafiles=(str(path),))) as server:
        assert until(server, "1")


def test_a_datafile_is_fetched_from_an_address_and_kept_for_offline(tmp_path: Path) -> None:
    kept = tmp_path / "journal.sqlite"
    with EmulatorServer(Settings(port=0)) as cdn:
        requests.put(f"{cdn.base_url}/_emulator/datafiles/sdk-1", json=datafile(), timeout=5)
        options = Settings(port=0, journal=kept, datafiles=(f"{cdn.base_url}/datafiles/sdk-1.json",))
        with EmulatorServer(options) as server:
            assert until(server, "1")
    with EmulatorServer(options) as offline:
        assert until(offline, "1")
    with pytest.raises(DatafileError, match="cannot be fetched"):
        EmulatorServer(Settings(port=0, datafiles=options.datafiles)).start()


@pytest.mark.parametrize("content", [None, "{", "{}", b"\xff\xfe"])
def test_a_datafile_that_is_none_is_one_clear_line(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "shop.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DatafileError, match=r"shop\.json") as caught:
        EmulatorServer(Settings(port=0, datafiles=(str(path),))).start()
    assert "\n" not in str(caught.value)


# -- options


def test_a_flag_beats_the_environment_beats_the_default() -> None:
    environment = {"EMULATOR_PORT": "1", "EMULATOR_HOST": "::1", "EMULATOR_DATAFILE": "a.json,b.json"}
    made = read_settings(["--port", "2"], environment)
    assert (made.port, made.host, made.datafiles) == (2, "::1", ("a.json", "b.json"))
    assert made.max_events == Settings().max_events
    assert read_settings([], {}) == Settings()
    assert read_settings(["--datafile", "c", "--datafile", "d"], environment).datafiles == ("c", "d")
    assert read_settings(["--journal", "j"], {}).journal == Path("j")
    assert read_settings([], {"EMULATOR_COUNT_AFTER_PAUSE": "yes"}).rules.count_after_pause is True
    assert read_settings(["--count-after-pause", "no"], {"EMULATOR_COUNT_AFTER_PAUSE": "yes"}) == Settings()
    rules = read_settings(["--bot-filtering", "no", "--count-late-metrics", "no"], {}).rules
    assert (rules.bot_filtering, rules.count_late_metrics) == (False, False)
    assert read_settings(["--access-token", "a", "--access-token", "b"], {}).access_tokens == ("a", "b")
    assert read_settings([], {"EMULATOR_PORT": ""}) == Settings()
    assert read_settings(["--max-bytes", "20MB"], {"EMULATOR_MAX_BYTES": "2GB"}).max_bytes == 20_000_000
    assert read_settings([], {"EMULATOR_MAX_BYTES": "10000000"}).max_bytes == 10_000_000


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.opts[0])
def test_every_option_has_its_environment_twin_and_is_explained(
    option: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        read_settings(["--help"], {})
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    (flag,) = option.opts
    assert option.envvar == "EMULATOR_" + flag[2:].upper().replace("-", "_")
    assert f"  {flag} {option.metavar or ''}" in text
    assert str(option.envvar) in text


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["--port", "x"], {}, "--port"),
        (["--port", "65536"], {}, "--port"),
        ([], {"EMULATOR_PORT": "-1"}, "EMULATOR_PORT"),
        (["--max-events", "0"], {}, "--max-events"),
        (["--max-bytes", "2 gigabytes"], {}, "--max-bytes.*say it as 500MB, 2GB or in bytes"),
        (["--max-bytes", "9999kB"], {}, "--max-bytes.*9999kB is too little; say 10000000 or more"),
        ([], {"EMULATOR_COUNT_AFTER_PAUSE": "maybe"}, "EMULATOR_COUNT_AFTER_PAUSE"),
    ],
)
def test_an_option_that_cannot_be_is_named(
    arguments: list[str], environment: dict[str, str], named: str
) -> None:
    with pytest.raises(OptionsError, match=named):
        read_settings(arguments, environment)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "x"], "'--port' (env var: 'EMULATOR_PORT'): 'x' is not a valid integer"),
        (["--journal", "/", "--port", "0"], "is a folder"),
        (["--journal", "/no/such/folder/j.sqlite", "--port", "0"], "does not exist"),
        (["--datafile", "/no/such/file.json", "--port", "0"], "cannot be read"),
        (["--host", "no-such-host.invalid", "--open", "--port", "0"], "cannot listen"),
    ],
)
def test_what_cannot_work_ends_with_2_and_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_a_foreign_journal_ends_with_2_and_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    assert main(["--journal", str(path), "--port", "0"]) == 2
    assert str(path) in capsys.readouterr().err
    assert path.read_text() == "mine"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_serves_until_it_is_told_to_stop(
    number: int, tmp_path: Path
) -> None:
    environment = {**os.environ, "EMULATOR_PORT": "0", "EMULATOR_JOURNAL": str(tmp_path / "j.sqlite")}
    command = [sys.executable, "-m", "optilocal.emulator"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        label, address = process.stdout.readline().split()
        assert label == "emulator"
        assert requests.get(f"{address}/_emulator/health", timeout=10).json()["status"] == "ok"
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    assert (tmp_path / "j.sqlite").exists()
    assert not (tmp_path / "j.sqlite-wal").exists()
