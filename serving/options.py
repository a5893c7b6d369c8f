"""Options of a server's command, each with its environment variable: a flag wins over the variable, this over the
default.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from optilocal.serving.postgresql import is_address

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_BYTES = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"([0-9]{1,15})(|[kK]B|MB|GB|TB)")
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([dhms])")


class OptionsError(ValueError):
    """An option that cannot be used; the text is one line."""


class Separated(click.ParamType[str]):
    """A repeatable option's text; the environment variable separates the texts with commas."""

    name = "text"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [part.strip() for part in rv.split(",") if part.strip()]


class Place(click.ParamType[Path | str]):
    """Where something is kept: a file, or, as a text, the address of a PostgreSQL database."""

    name = "place"

    def convert(
        self,
        value: Path | str,
        param: click.Parameter | None,  # noqa: ARG002 - click's own shape
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Path | str:
        return value if isinstance(value, Path) or is_address(value) else Path(value)


class Duration(click.ParamType[float]):
    """A time such as `7d`, `12h`, `30m` or `90s`, in seconds."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = _DURATION.fullmatch(value)
        if match is None or not float(match[1]):
            self.fail(f"{value!r:.40} is no time; say it as 7d, 12h, 30m or 90s", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


class Size(click.ParamType[int]):
    """A size such as `500MB`, `2GB` or a number of bytes, `least` at least, in bytes."""

    name = "size"

    def __init__(self, *, least: int) -> None:
        self._least = least

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value)
        if match is None:
            self.fail(f"{value!r:.40} is no size; say it as 500MB, 2GB or in bytes", param, ctx)
        size = int(match[1]) * _BYTES[match[2].replace("K", "k")]
        if size < self._least:
            self.fail(f"{value} is too little; say {self._least} or more", param, ctx)
        return size


class Token(click.ParamType[str]):
    """A secret, or with @ before it the file that holds it."""

    name = "token"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        token = value
        if value.startswith("@"):
            try:
                token = Path(value[1:]).read_text("utf-8").strip()
            except (OSError, UnicodeError) as error:
                self.fail(f"{value[1:]} cannot be read: {error}", param, ctx)
        if not token or not token.isascii() or not token.isprintable():
            self.fail("a token is one or more signs of ASCII", param, ctx)
        return token


class Twin(click.Option):
    """The option `--flag` of a `setting`, by default of the same name; its environment variable is SERVER_FLAG."""

    def __init__(
        self,
        server: str,
        flag: str,
        help: str,
        metavar: str | None = None,
        *,
        setting: str | None = None,
        **more: Any,
    ) -> None:
        own = flag.removeprefix("--").replace("-", "_")
        if more.get("multiple"):
            more["type"] = Separated()
        usual: dict[str, Any] = {
            "envvar": f"{server}_{own.upper()}",
            "show_envvar": True,
            "show_default": True,
        }
        super().__init__([flag, setting or own], help=help, metavar=metavar, **usual, **more)


def address_options(server: str, port: int) -> tuple[Twin, Twin]:
    """`--host` and `--port`, by default `port`."""
    port_help, ports = "port to listen on, 0 for any free one", click.IntRange(0, 65_535)
    return (
        Twin(server, "--host", "address to listen on", "ADDRESS", default="127.0.0.1"),
        Twin(server, "--port", port_help, "PORT", type=ports, default=port),
    )


def open_option(server: str) -> Twin:
    """`--open`, the setting `is_open`."""
    help = "listen on more than this machine and ask nobody for a token"
    return Twin(server, "--open", help, setting="is_open", is_flag=True)


def read_options(
    name: str, about: str, options: Sequence[Twin], arguments: Sequence[str], environment: Mapping[str, str]
) -> dict[str, Any]:
    """The value of every option of a server by its name, but for `is_open`: `host` and `token` go together.

    Raises OptionsError, and SystemExit after `--help`.
    """
    command = click.Command(
        name, params=list(options), help=about, context_settings={"max_content_width": 100}
    )
    twins: dict[str, Any] = {}
    for option in options:
        text = environment.get(str(option.envvar))
        if text:
            twins[str(option.name)] = option.type.split_envvar_value(text) if option.multiple else text
    try:
        with command.make_context(name, list(arguments), default_map=twins) as context:
            values = context.params
    except click.exceptions.Exit as leaving:
        raise SystemExit(leaving.exit_code) from None
    except click.ClickException as error:
        raise OptionsError(error.format_message().rstrip(".")) from None
    from optilocal.serving.guard import refusal_to_start  # noqa: PLC0415 - slow to import, and commands have options too

    refusal = refusal_to_start(values["host"], values["token"], is_open=values.pop("is_open"))
    if refusal is not None:
        raise OptionsError(refusal)
    return values
