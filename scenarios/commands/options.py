"""What the commands' options have in common: environment twins, several values behind one option, ports, examples."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from optilocal.serving.options import Separated

EXIT_CODES = (
    "Exit codes: 0 all as expected · 1 a difference, a failed check · 2 the command could not do its work"
)
COMPLETION_VARIABLE = "_OPTILOCAL_COMPLETE"
"""With this in the environment the command completes a command line for the shell and does nothing else."""
EMULATOR = "http://127.0.0.1:8410"
"""Where `optilocal up` serves the emulator when nobody says otherwise."""
FILE = click.Path(path_type=Path)
PORT = click.IntRange(0, 65535)

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any] | click.Command)


class Many(click.Option):
    """An option that takes every value up to the next option, as often as it is given: `--events plan.json src/`.

    With `or_none` it may stand alone, which gives it one value, an empty text.
    """

    def __init__(self, *names: Any, or_none: bool = False, **attributes: Any) -> None:
        super().__init__(*names, **{**attributes, "multiple": True, "type": Separated()})
        self.or_none = or_none


class Command(click.Command):
    """A command whose options may be `Many`, and whose help ends with the exit codes."""

    def __init__(self, *names: Any, **attributes: Any) -> None:
        super().__init__(*names, **{"epilog": EXIT_CODES, **attributes})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(self._one_value_each(args)))

    def _one_value_each(self, words: list[str]) -> Iterator[str]:
        """`--events a b` as click reads it: `--events a --events b`."""
        many = {flag: param for param in self.params if isinstance(param, Many) for flag in param.opts}
        at = 0
        while at < len(words) and words[at] != "--":
            flag, equals, first = words[at].partition("=")
            at += 1
            if flag not in many:
                yield words[at - 1]
                continue
            values = [first] if equals else []
            while at < len(words) and (not words[at].startswith("-") or words[at] == "-"):
                values.append(words[at])
                at += 1
            if values:
                yield from (word for value in values for word in (flag, value))
            else:
                yield f"{flag}=" if many[flag].or_none else flag
        yield from words[at:]


def option(*names: str, **attributes: Any) -> Callable[[_Decorated], _Decorated]:
    """An option whose help names its environment twin and its default.

    The twin is `envvar`, or OPTILOCAL_<COMMAND>_<OPTION>. A flag beats the twin, the twin beats the default.
    """
    return click.option(*names, **{"show_envvar": True, "show_default": True, **attributes})


def several(*options: Callable[[_Decorated], _Decorated]) -> Callable[[_Decorated], _Decorated]:
    """Options that several commands have, as one decorator; `--help` lists them in this order."""

    def decorate(function: _Decorated) -> _Decorated:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate


def emulator_option(default: str | None = EMULATOR) -> Callable[[_Decorated], _Decorated]:
    """`--emulator URL`: a running emulator."""
    return option(
        "--emulator", envvar="OPTILOCAL_EMULATOR", default=default, metavar="URL", help="A running emulator."
    )


def servers_options(function: _Decorated) -> _Decorated:
    """The servers that `run` and `exec` use instead of their own."""
    forwarder = option(
        "--forwarder",
        envvar="OPTILOCAL_FORWARDER",
        metavar="URL",
        help="A running forwarder; needs --emulator.",
    )
    return several(emulator_option(default=None), forwarder)(function)


def sandbox_options(function: _Decorated) -> _Decorated:
    """What `up` and `exec` start their servers with."""
    return several(
        option(
            "--datafile",
            cls=Many,
            envvar="EMULATOR_DATAFILE",
            metavar="FILE|URL ...",
            help="Datafiles to serve, each under its sdkKey (default: the shipped shop's).",
        ),
        option(
            "--settings",
            envvar="FORWARDER_SETTINGS",
            type=FILE,
            metavar="FILE",
            help="The destination's settings and mappings, JSON.",
        ),
        option(
            "--write-key",
            "write_keys",
            envvar="FORWARDER_WRITE_KEY",
            type=Separated(),
            multiple=True,
            metavar="KEY",
            help="A source's write key; what comes with another is answered as by Segment and goes nowhere; may be "
            "repeated.",
        ),
        option(
            "--analytics-js",
            envvar="FORWARDER_ANALYTICS_JS",
            type=FILE,
            metavar="FOLDER",
            help="dist/umd of @segment/analytics-next, for pages with Segment's snippet.",
        ),
    )(function)


def offline_options(*, datafile_help: str, required: bool = False) -> Callable[[_Decorated], _Decorated]:
    """The datafile and the destination of `check` and `preview`, which start no server."""
    return several(
        option(
            "--datafile",
            envvar="OPTILOCAL_DATAFILE",
            metavar="FILE|URL",
            help=datafile_help,
            required=required,
        ),
        option(
            "--settings",
            type=FILE,
            metavar="FILE",
            help="The destination's settings and mappings, JSON, as `up` takes them.",
        ),
    )


def verdict_options(function: _Decorated) -> _Decorated:
    """The verdicts that `explain` and `tail` show."""
    return several(
        option("--user", metavar="ID", help="Only those of this userId, anonymousId or visitor."),
        option("--event", metavar="NAME", help="Only events of this name or event key."),
        option(
            "--outcome", metavar="NAME", help="Only verdicts with this outcome, such as user_not_activated."
        ),
        option("--namespace", metavar="NS", help="Only those of this namespace (default: of every one)."),
    )(function)
