"""Who may come in: a token for both servers' own surfaces, and none for what they imitate."""

import base64
from pathlib import Path
from typing import Any

import pytest
import requests

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings, read_settings
from optilocal.forwarder.cli import settings_from
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings
from optilocal.scenarios.cli import main
from optilocal.serving.options import OptionsError

TOKEN = "sesame-1"
TRACK = {"type": "track", "event": "Order Completed", "userId": "u-1", "messageId": "m-1"}


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


def ask(url: str, path: str, headers: dict[str, Any] | None = None, **more: Any) -> requests.Response:
    method = "POST" if "json" in more else "GET"
    return requests.request(method, url + path, headers=headers, timeout=20, **more)


def test_with_a_token_the_servers_own_surfaces_ask_for_it_and_nothing_else_does() -> None:
    with (
        EmulatorServer(Settings(port=0, token=TOKEN)) as emulator,
        ForwarderServer(ServerSettings(port=0, token=TOKEN, optimizely=emulator.base_url)) as forwarder,
    ):
        own = [(emulator, "/_emulator/verdicts"), (emulator, "/ns/a/_emulator/events"), (emulator, "/")]
        own += [(forwarder, "/_forwarder/deliveries"), (forwarder, "/regulations")]
        for server, path in own:
            told = ask(server.base_url, path)
            assert told.status_code == 401, path
            assert told.json()["error"]["code"] == "unauthorized"
            assert told.headers["WWW-Authenticate"].startswith("Basic ")
            for wrong in (basic("x"), {"Authorization": "Bearer x"}, {"Authorization": "Basic %"}):
                assert ask(server.base_url, path, wrong).status_code == 401
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            for right in (basic(TOKEN), bearer):
                assert ask(server.base_url, path, right).status_code in (200, 405), path
        for server, path in (
            (emulator, "/_emulator/health"),
            (emulator, "/_emulator/ready"),
            (forwarder, "/_forwarder/health"),
        ):
            assert ask(server.base_url, path).ok
        assert ask(emulator.base_url, "/v1/events", json={"account_id": "1", "visitors": []}).ok
        assert ask(forwarder.base_url, "/v1/track", json=TRACK, auth=("k", "")).ok
        # The forwarder's reports show the token.
        waiting = "/_emulator/verdicts?message_id=m-1&wait=15"
        assert len(ask(emulator.base_url, waiting, basic(TOKEN)).json()["verdicts"]) == 1


@pytest.mark.parametrize("read", [read_settings, settings_from])
def test_other_machines_come_in_with_a_token_or_when_it_is_said(read: Any, tmp_path: Path) -> None:
    with pytest.raises(
        OptionsError, match=r"--host 0.0.0.0 lets other machines in: say --token TOKEN .* or --open"
    ):
        read(["--host", "0.0.0.0"], {})
    assert read(["--host", "0.0.0.0", "--open"], {}).token is None
    assert read(["--host", "localhost"], {}).token is None
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    assert read(["--host", "0.0.0.0", "--token", f"@{file}"], {}).token == "from-a-file"
    twin = "EMULATOR_TOKEN" if read is read_settings else "FORWARDER_TOKEN"
    assert read(["--host", "0.0.0.0"], {twin: "x"}).token == "x"
    for odd in ("", "\u00fc", "a\nb"):
        file.write_text(odd)
        with pytest.raises(OptionsError, match="signs of ASCII"):
            read(["--token", f"@{file}"], {})
    with pytest.raises(OptionsError, match="cannot be read"):
        read(["--token", f"@{tmp_path}/none"], {})


def test_up_is_refused_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--host", "0.0.0.0", "--emulator-port", "0", "--forwarder-port", "0"]) == 2
    assert "say --open" in capsys.readouterr().err


def test_commands_show_the_token_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with EmulatorServer(Settings(port=0, token="t")) as emulator:
        assert main(["explain", "--last", "--emulator", emulator.base_url]) == 2
        assert "401" in capsys.readouterr().err
        monkeypatch.setenv("OPTILOCAL_TOKEN", "t")
        main(["explain", "--last", "--emulator", emulator.base_url])
        assert "401" not in capsys.readouterr().err
