"""`python -m optilocal.forwarder`: one forwarder by itself, every option with its twin in the environment."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from optilocal.forwarder.pipeline.mappings import odd_triggers
from optilocal.forwarder.pipeline.retry import RetryPolicy
from optilocal.forwarder.server import ForwarderServer, ServerError
from optilocal.forwarder.settings import ServerSettings, SettingsError
from optilocal.serving.log import log, log_option
from optilocal.serving.options import (
    OptionsError,
    Place,
    Token,
    Twin,
    address_options,
    open_option,
    read_options,
)

_ABOUT = "Segment's side: takes source events and sends them to a local Optimizely."
_FILE = click.Path(path_type=Path)


_option = partial(Twin, "FORWARDER")

OPTIONS = (
    *address_options("FORWARDER", 8411),
    _option("--optimizely", "base URL of the emulator", "URL", default="http://127.0.0.1:8410"),
    _option("--datafile-url", "the destination's Datafile URL", "URL"),
    _option("--account-id", "the destination's Optimizely Account Id", "ID"),
    _option("--access-token", "the destination's Personal Access Token", "TOKEN"),
    _option(
        "--settings", "JSON file {accountId, dataFileUrl, accessToken, sdkKey, mappings}", "FILE", type=_FILE
    ),
    _option(
        "--spool",
        "file that keeps what was accepted until it is sent, or a PostgreSQL database that many share",
        "FILE|postgresql://…",
        type=Place(),
    ),
    _option("--workers", "how many deliveries are made at once", "N", type=click.IntRange(1, 64), default=4),
    _option(
        "--retry-base",
        "seconds before the first retry; each later wait is eight times as long",
        "SECONDS",
        type=float,
        default=1.0,
    ),
    _option(
        "--analytics-js",
        "folder dist/umd of @segment/analytics-next, for pages to load",
        "FOLDER",
        type=_FILE,
    ),
    _option(
        "--write-key",
        "a source's write key; calls with another are dropped; may be repeated, or given with commas",
        "KEY",
        multiple=True,
    ),
    _option(
        "--token",
        "what its own addresses and regulations ask for, and what the emulator is shown; as @FILE the file that holds it",
        "TOKEN",
        type=Token(),
    ),
    open_option("FORWARDER"),
    _option(
        "--allow-host",
        "a name under which its own addresses answer; may be repeated, or given with commas",
        "NAME",
        multiple=True,
    ),
    log_option("FORWARDER"),
)


def settings_from(arguments: Sequence[str], environment: Mapping[str, str]) -> ServerSettings:
    """The settings from a command line and an environment.

    Raises `OptionsError`, `SettingsError`, and SystemExit once `--help` has been answered.
    """
    chosen = read_options("python -m optilocal.forwarder", _ABOUT, OPTIONS, arguments, environment)
    names = {"dataFileUrl": "datafile_url", "accountId": "account_id", "accessToken": "access_token"}
    return ServerSettings.load(
        chosen["settings"],
        optimizely=chosen["optimizely"].rstrip("/"),
        destination={name: chosen[option] for name, option in names.items() if chosen[option] is not None},
        retry=RetryPolicy(base_s=chosen["retry_base"]),
        write_keys=_split(chosen["write_key"]),
        allowed_hosts=_split(chosen["allow_host"]),
        **{name: chosen[name] for name in ("host", "port", "spool", "workers", "analytics_js", "token")},
    )


def _split(values: Sequence[str]) -> tuple[str, ...]:
    """The values of an option that may be repeated, or given with commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one forwarder until a signal stops it. The exit code: 0, or 2 if it could not start."""
    try:
        settings = settings_from(sys.argv[1:] if arguments is None else arguments, os.environ)
        for note in odd_triggers(settings.mappings):
            log("forwarder", note)
        server = ForwarderServer(settings)
        server.start()
    except (OptionsError, SettingsError, ServerError) as error:
        log("forwarder", error, "error")
        return 2
    server.serve_forever(ready=lambda: print(f"forwarder {server.base_url}", flush=True))
    return 0
