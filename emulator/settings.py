"""The emulator's options: a flag beats the environment beats the default."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optilocal.emulator.counting.standing import Rules


class SettingsError(ValueError):
    """An option that cannot be used; the text is one line."""


@dataclass(frozen=True)
class Settings:
    """How one emulator runs. Sizes are in bytes.

    `journal` None means a temporary file that goes away at the end. `datafiles` are files or http(s) URLs, served in
    the namespace `default`. `max_events` bounds exchanges, events and verdicts, each. `allowed_hosts` are further names
    under which the viewer and the control surface may be reached; `access_tokens`, when there are any, the only ones that
    the REST API takes.
    """

    host: str = "127.0.0.1"
    port: int = 8410
    journal: Path | None = None
    datafiles: tuple[str, ...] = ()
    max_events: int = 1_000_000
    max_body: int = 3_500_000
    max_control_body: int = 32_000_000
    max_namespaces: int = 10_000
    allowed_hosts: tuple[str, ...] = ()
    access_tokens: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True)
class Option:
    """One option: its flag, its environment twin, what it is for."""

    flag: str
    variable: str
    field: str
    help: str
    metavar: str
    many: bool = False


OPTIONS = (
    Option("--host", "EMULATOR_HOST", "host", "address to listen on (default 127.0.0.1)", "ADDRESS"),
    Option("--port", "EMULATOR_PORT", "port", "port to listen on, 0 for any free one (default 8410)", "PORT"),
    Option(
        "--journal",
        "EMULATOR_JOURNAL",
        "journal",
        "file to keep everything in (default: a temporary one)",
        "FILE",
    ),
    Option(
        "--datafile",
        "EMULATOR_DATAFILE",
        "datafiles",
        "datafile to serve, a file (watched) or an http(s) URL (fetched once); may be repeated",
        "FILE|URL",
        many=True,
    ),
    Option(
        "--max-events",
        "EMULATOR_MAX_EVENTS",
        "max_events",
        "exchanges, events and verdicts kept, each; the oldest are dropped (default 1000000)",
        "N",
    ),
    Option(
        "--allow-host",
        "EMULATOR_ALLOW_HOST",
        "allowed_hosts",
        "further host name for viewer, control surface and REST API; may be repeated",
        "NAME",
        many=True,
    ),
    Option(
        "--access-token",
        "EMULATOR_ACCESS_TOKEN",
        "access_tokens",
        "token that the REST API takes, no other then; may be repeated (default: any that does not call itself wrong)",
        "TOKEN",
        many=True,
    ),
    Option(
        "--count-after-pause",
        "EMULATOR_COUNT_AFTER_PAUSE",
        "count_after_pause",
        "go on counting users of an experiment that was paused, yes or no (default no)",
        "YES|NO",
    ),
    Option(
        "--count-late-metrics",
        "EMULATOR_COUNT_LATE_METRICS",
        "count_late_metrics",
        "count a metric that was attached late from all stored events, yes or no (default yes)",
        "YES|NO",
    ),
    Option(
        "--bot-filtering",
        "EMULATOR_BOT_FILTERING",
        "bot_filtering",
        "leave bots out of results: yes, no, or as event and datafile say (default)",
        "YES|NO",
    ),
    Option(
        "--dedup",
        "EMULATOR_DEDUP",
        "dedup",
        "what makes two events one: event, that is account, entity, uuid and timestamp (default), or uuid with the account",
        "event|uuid",
    ),
    Option(
        "--smooth-outliers",
        "EMULATOR_SMOOTH_OUTLIERS",
        "smooth_outliers",
        "replace revenue far above the mean by the mean in results, yes or no (default no)",
        "YES|NO",
    ),
)


_SWITCHES = ("count_after_pause", "count_late_metrics", "bot_filtering", "smooth_outliers")
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m optilocal.emulator`."""
    made = argparse.ArgumentParser(
        prog="python -m optilocal.emulator",
        description="Optimizely on this machine: Event API, datafile CDN, subject access requests, counting, verdicts.",
        epilog="Every option has an environment twin ("
        + ", ".join(o.variable for o in OPTIONS)
        + "); a flag beats it.",
        allow_abbrev=False,
    )
    for option in OPTIONS:
        action = "append" if option.many else "store"
        made.add_argument(
            option.flag,
            dest=option.field,
            help=option.help,
            default=None,
            action=action,
            metavar=option.metavar,
        )
    return made


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from flags and environment. Raises SettingsError; argparse's own exits (2, and 0 for --help) pass."""
    given = vars(parser().parse_args(arguments))
    values: dict[str, Any] = {}
    for option in OPTIONS:
        value = given[option.field]
        source = option.flag
        if value is None and environment.get(option.variable, "") != "":
            value, source = environment[option.variable], option.variable
            if option.many:
                value = [part for part in value.split(",") if part]
        if value is not None:
            values[option.field] = _convert(option, value, source)
    switches = {name: values.pop(name) for name in (*_SWITCHES, "dedup") if name in values}
    return Settings(**values, rules=Rules(**switches))


def _convert(option: Option, value: Any, source: str) -> Any:
    if option.many:
        return tuple(value)
    if option.field == "journal":
        return Path(value)
    if option.field in ("port", "max_events"):
        low, high = (0, 65_535) if option.field == "port" else (1, 10**12)
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise SettingsError(f"{source} must be a number from {low} to {high}, not {value!r}")
        return int(value)
    if option.field == "dedup" and value not in ("event", "uuid"):
        raise SettingsError(f"{source} must be event or uuid, not {value!r}")
    if option.field in _SWITCHES:
        if value.lower() not in _YES + _NO:
            raise SettingsError(f"{source} must be yes or no, not {value!r}")
        return value.lower() in _YES
    return value
