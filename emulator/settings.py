"""The emulator's options: a flag beats the environment beats the default."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click

from optilocal.emulator.counting.standing import Rules
from optilocal.serving.log import log_option
from optilocal.serving.options import (
    Duration,
    OptionsError,
    Place,
    Size,
    Token,
    Twin,
    address_options,
    open_option,
    read_options,
)


@dataclass(frozen=True)
class Settings:
    """How one emulator runs. Sizes are in bytes.

    `journal` is a file, as a text the address of a PostgreSQL database, and None a temporary file that goes away at the
    end. `datafiles` are files or http(s) URLs, served in the namespace `default`. `max_events` bounds exchanges, events and
    verdicts, each, and `max_bytes` the bodies of exchanges, together. A namespace in which nothing has come for
    `forget_after` seconds is forgotten. `allowed_hosts` are further names under which viewer and control surface may be
    reached; `token` is what whoever uses these two has to show; `access_tokens`, when there are any, the only ones that the
    REST API takes. `forwarder` is the base URL of the forwarder that the viewer speaks to.
    """

    host: str = "127.0.0.1"
    port: int = 8410
    journal: Path | str | None = None
    datafiles: tuple[str, ...] = ()
    max_events: int = 1_000_000
    max_bytes: int | None = None
    forget_after: float | None = None
    max_body: int = 3_500_000
    max_control_body: int = 32_000_000
    max_namespaces: int = 10_000
    allowed_hosts: tuple[str, ...] = ()
    token: str | None = None
    access_tokens: tuple[str, ...] = ()
    forwarder: str | None = None
    rules: Rules = field(default_factory=Rules)


_ABOUT = "Optimizely on this machine: Event API, datafile CDN, subject access requests, counting, verdicts."
_COUNT = click.IntRange(1, 10**12)
_DEDUP, _NESTED = click.Choice(("event", "uuid")), click.Choice(("count", "reject"))
_option = partial(Twin, "EMULATOR")
_switch = partial(_option, metavar="YES|NO", type=bool)
_several = partial(_option, multiple=True)

OPTIONS = (
    *address_options("EMULATOR", 8410),
    _option(
        "--journal",
        "file to keep everything in, or a PostgreSQL database that many share (default: a temporary file)",
        "FILE|postgresql://…",
        type=Place(),
    ),
    _several(
        "--datafile",
        "datafile to serve, a file (watched) or an http(s) URL (fetched once); may be repeated",
        "FILE|URL",
        setting="datafiles",
    ),
    _option(
        "--max-events",
        "exchanges, events and verdicts kept, each; the oldest are dropped",
        "N",
        type=_COUNT,
        default=1_000_000,
    ),
    _option(
        "--max-bytes",
        "bytes of requests' bodies kept, such as 500MB or 2GB; the oldest are dropped, with their events (default: any)",
        "SIZE",
        type=Size(least=10_000_000),
    ),
    _option(
        "--forget-after",
        "forget namespaces in which nothing has come for so long, such as 7d, 12h or 30m (default: never)",
        "TIME",
        type=Duration(),
    ),
    _several(
        "--allow-host",
        "further host name for viewer, control surface and REST API; may be repeated",
        "NAME",
        setting="allowed_hosts",
    ),
    _option(
        "--token",
        "what viewer and control surface ask for; as @FILE the file that holds it",
        "TOKEN",
        type=Token(),
    ),
    open_option("EMULATOR"),
    _several(
        "--access-token",
        "token that the REST API takes, no other then; may be repeated (default: any that does not call itself wrong)",
        "TOKEN",
        setting="access_tokens",
    ),
    log_option("EMULATOR"),
    _option(
        "--forwarder",
        "base URL of the forwarder that the viewer speaks to (default: none; `optilocal up` knows its own)",
        "URL",
    ),
    _switch(
        "--count-after-pause",
        "go on counting users of an experiment that was paused, yes or no (default no)",
    ),
    _switch(
        "--count-late-metrics",
        "count a metric that was attached late from all stored events, yes or no (default yes)",
    ),
    _switch("--bot-filtering", "leave bots out of results: yes, no, or as event and datafile say (default)"),
    _option(
        "--dedup",
        "what makes two events one: event, that is account, entity, uuid and timestamp (default), or uuid with the account",
        "event|uuid",
        type=_DEDUP,
    ),
    _option(
        "--nested-tags",
        "events with arrays or objects among their tags: count them with a warning (default), or reject them",
        "count|reject",
        type=_NESTED,
    ),
    _switch(
        "--smooth-outliers",
        "replace revenue far above the mean by the mean in results, yes or no (default no)",
    ),
)
_SWITCHES = tuple(each.name for each in dataclasses.fields(Rules))


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from flags and environment. Raises OptionsError, and SystemExit once `--help` has been answered."""
    options = read_options("python -m optilocal.emulator", _ABOUT, OPTIONS, arguments, environment)
    values = {name: value for name, value in options.items() if value is not None}
    if not str(values.get("forwarder", "http://")).startswith(("http://", "https://")):
        raise OptionsError(f"--forwarder {values['forwarder']!r:.100} is not an http:// URL")
    switches = {name: values.pop(name) for name in _SWITCHES if name in values}
    return Settings(**values, rules=Rules(**switches))
