"""`python -m optilocal.forwarder`: one forwarder by itself, every option with its twin in the environment."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from optilocal.forwarder.pipeline.mappings import odd_triggers
from optilocal.forwarder.pipeline.retry import RetryPolicy
from optilocal.forwarder.server import ForwarderServer, ServerError
from optilocal.forwarder.settings import ServerSettings, SettingsError


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m optilocal.forwarder",
        description="Segment's side: takes source events and sends them to a local Optimizely.",
        allow_abbrev=False,
        epilog="Every option has an environment twin, FORWARDER_PORT for --port and so on; the option wins.",
    )

    def option(name: str, default: str | None, help: str, metavar: str) -> None:
        twin = "FORWARDER_" + name.upper().replace("-", "_")
        parser.add_argument(
            f"--{name}", default=environment.get(twin) or default, metavar=metavar, help=f"{help} [{twin}]"
        )

    option("host", "127.0.0.1", "address to listen on", "ADDRESS")
    option("port", "8411", "port to listen on, 0 for any free one", "PORT")
    option("optimizely", "http://127.0.0.1:8410", "base URL of the emulator", "URL")
    option("datafile-url", None, "the destination's Datafile URL", "URL")
    option("account-id", None, "the destination's Optimizely Account Id", "ID")
    option("access-token", None, "the destination's Personal Access Token", "TOKEN")
    option("settings", None, "JSON file {accountId, dataFileUrl, accessToken, sdkKey, mappings}", "FILE")
    option("spool", None, "file that keeps what was accepted until it is sent", "FILE")
    option("workers", "4", "how many deliveries are made at once", "N")
    option(
        "retry-base", "1", "seconds before the first retry; each later wait is eight times as long", "SECONDS"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        metavar="NAME",
        help="a name under which /_forwarder answers; may be repeated [FORWARDER_ALLOW_HOST, with commas]",
    )
    return parser


def settings_from(arguments: Sequence[str], environment: Mapping[str, str]) -> ServerSettings:
    """The settings that a command line and an environment ask for. Raises `SettingsError`."""
    chosen = _parser(environment).parse_args(arguments)
    destination = {
        "dataFileUrl": chosen.datafile_url,
        "accountId": chosen.account_id,
        "accessToken": chosen.access_token,
    }
    names = chosen.allow_host or [environment.get("FORWARDER_ALLOW_HOST", "")]
    base = _number(chosen.retry_base, "--retry-base", float)
    if not 0 < base < float("inf"):
        raise SettingsError(f"--retry-base {chosen.retry_base!r} is no number of seconds above 0")
    return ServerSettings.load(
        Path(chosen.settings) if chosen.settings else None,
        host=chosen.host,
        port=int(_number(chosen.port, "--port", int)),
        optimizely=chosen.optimizely.rstrip("/"),
        destination={key: value for key, value in destination.items() if value is not None},
        spool=Path(chosen.spool) if chosen.spool else None,
        workers=int(_number(chosen.workers, "--workers", int)),
        retry=RetryPolicy(base_s=base),
        allowed_hosts=tuple(name.strip() for name in ",".join(names).split(",") if name.strip()),
    )


def _number(text: str, option: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise SettingsError(f"{option} {text!r} is no number") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one forwarder until it is told to stop. 0 then, 2 when it could not start."""
    try:
        settings = settings_from(sys.argv[1:] if arguments is None else arguments, os.environ)
        for note in odd_triggers(settings.mappings):
            print(f"forwarder: {note}", file=sys.stderr)
        server = ForwarderServer(settings)
        server.start()
    except (SettingsError, ServerError) as error:
        print(f"forwarder: {error}", file=sys.stderr)
        return 2
    server.serve_forever(ready=lambda: print(f"forwarder {server.base_url}", flush=True))
    return 0
