"""Dockerfile and compose file, held against the code. There is no engine in the tests: neither is built or started."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import yaml

from optilocal.interception.authority import CERTIFICATE
from optilocal.interception.hosts import HOSTS
from optilocal.interception.trust import BUNDLE, EXTRA
from optilocal.scenarios.cli import command_line

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICE = COMPOSE["services"]["optilocal"]


def parsed(words: list[str]) -> dict[str, object]:
    """What `optilocal` understands of a command line."""
    with command_line.make_context("optilocal", list(words), obj="") as context:
        name, command, rest = command_line.resolve_command(context, words)
        assert command is not None
        with command.make_context(name, rest, parent=context) as inner:
            return dict(inner.params)


def test_both_start_a_sandbox_with_options_that_there_are() -> None:
    entry = json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[0])
    usual = json.loads(re.findall(r"^CMD (\[\"up.*)$", DOCKERFILE, re.MULTILINE)[0])
    assert entry == ["optilocal"]
    for words in (usual, SERVICE["command"]):
        found = parsed(words)
        assert (found["host"], found["tls"]) == ("0.0.0.0", 443)
        ports = {str(found["emulator_port"]), str(found["forwarder_port"])}
        exposed = set(re.findall(r"^EXPOSE (.*)$", DOCKERFILE, re.MULTILINE)[0].split())
        assert exposed == {*ports, "443"}
        assert set(SERVICE["ports"]) == {f"127.0.0.1:{port}:{port}" for port in ports}


def test_the_health_check_asks_both_servers() -> None:
    (check,) = re.findall(r"^HEALTHCHECK .*?CMD (\[.*?\])$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    python, flag, program = json.loads(check)
    assert (python, flag) == ("python", "-c")
    compile(program, "the health check", "exec")
    assert re.findall(r"127\.0\.0\.1:(\d+)/(\w+)/health", program) == [
        ("8410", "_emulator"),
        ("8411", "_forwarder"),
    ]


def test_every_real_host_is_an_alias() -> None:
    assert SERVICE["networks"]["default"]["aliases"] == list(HOSTS)


def test_the_certificates_are_where_another_service_looks_for_them() -> None:
    assert "XDG_STATE_HOME=/state" in DOCKERFILE
    assert "state:/state" in SERVICE["volumes"] and "state" in COMPOSE["volumes"]
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"/state/optilocal/(\S+)", text))
    assert named == {BUNDLE, EXTRA} and CERTIFICATE not in named


def test_what_is_copied_into_the_image_is_all_that_an_installation_needs() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    (source,) = re.findall(r"^COPY (\S+) /source$", DOCKERFILE, re.MULTILINE)
    assert source == "." and "pip install --no-cache-dir '/source[postgresql]'" in DOCKERFILE
    for folder in ("src", "emulator", "forwarder", "interception", "scenarios", "serving", "static"):
        assert (ROOT / folder).is_dir() and folder not in ignored
    assert shlex.split(re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)[0]) == ["optilocal"]


def test_the_teams_compose_file_has_commands_and_addresses_that_there_are() -> None:
    from optilocal.emulator.settings import read_settings  # noqa: PLC0415 - servers of one test
    from optilocal.forwarder.cli import settings_from  # noqa: PLC0415

    services = yaml.safe_load((ROOT / "compose.team.yaml").read_text(encoding="utf-8"))["services"]
    proxy = yaml.safe_load((ROOT / "compose.team.yaml").read_text(encoding="utf-8"))["configs"]["proxy"][
        "content"
    ]
    read = {
        "emulator": lambda words: read_settings(words, {"EMULATOR_TOKEN": "x"}),
        "forwarder": lambda words: settings_from(words, {"FORWARDER_TOKEN": "x"}),
    }
    for name in ("emulator-1", "emulator-2", "forwarder-1", "forwarder-2"):
        kind, *words = services[name]["command"]
        settings = read[kind](words)
        assert (settings.host, settings.token) == ("0.0.0.0", "x")
        assert {"EMULATOR_TOKEN", "FORWARDER_TOKEN"} == set(services[name]["environment"])
        assert f"server {name}:{settings.port};" in proxy
        kept = settings.journal if kind == "emulator" else settings.spool
        database = services["postgresql"]["environment"]
        user = f"{database['POSTGRES_USER']}:{database['POSTGRES_PASSWORD']}"
        assert kept == f"postgresql://{user}@postgresql/{database['POSTGRES_DB']}"
    assert "[postgresql]" in DOCKERFILE
