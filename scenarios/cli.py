"""The command `optilocal`. Exit codes: 0 all as expected, 1 a difference, 2 could not do its work.

A command is one file in `commands/` and one line in `COMMANDS`; its module is imported when it is chosen.
"""

import atexit
import gc
import io
import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from optilocal import __version__
from optilocal.scenarios.commands.options import COMPLETION_VARIABLE, EXIT_CODES
from optilocal.scenarios.language.problems import CannotRun, ScenarioError, meant
from optilocal.serving.printable import printable

COMMANDS = {
    "run": "run scenarios (default: the shipped suite)",
    "up": "start the sandbox: emulator, forwarder and viewer, until Ctrl-C",
    "exec": "run a program as it is, with the real hosts caught by a sandbox",
    "init": "a datafile of your names, two scenarios, editor schemas, a CI file",
    "emulator": "start the emulator alone",
    "forwarder": "start the forwarder alone",
    "ca": "where the interception's certificate authority is, and its fingerprint",
    "check": "which tracked events will never count, and why; nothing is started",
    "preview": "what Segment would send: JSON lines in, JSON lines out",
    "explain": "verdicts in words: why an event was counted, or was not",
    "tail": "one line a verdict, as they come",
    "record": "recorded events as a scenario that passes",
    "completion": "the script that completes commands and options in your shell",
}
"""Each command and what `optilocal --help` says of it. `commands/<name>.py` holds it as `command`."""


class _Commands(click.Group):
    """The commands, each imported when it is chosen: `optilocal --help` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"optilocal.scenarios.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}{meant(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(f"optilocal {__version__}")
        ctx.exit()


command_line = _Commands(
    "optilocal",
    help="A local test harness and mock Optimizely: why was this conversion not counted?",
    epilog=EXIT_CODES,
    no_args_is_help=False,
    context_settings={"max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            help="Show the version and exit.",
            callback=_show_version,
        )
    ],
)
"""Every command and option. A flag beats its environment twin, the environment beats the default."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What goes wrong is one line on stderr, never a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Everything that is left goes with the process; to look for garbage in it first would take a tenth of a second.
    atexit.register(gc.freeze)
    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # a terminal or build log that knows no ✓ gets its code instead
        sys.stdout.reconfigure(errors="backslashreplace")
    if os.environ.get(COMPLETION_VARIABLE):
        from click.shell_completion import shell_complete  # noqa: PLC0415 - only the shell asks for it

        asked = os.environ[COMPLETION_VARIABLE]
        return shell_complete(command_line, {}, "optilocal", COMPLETION_VARIABLE, asked)
    try:
        with command_line.make_context(
            "optilocal", arguments, obj=shlex.join(["optilocal", *arguments]), auto_envvar_prefix="OPTILOCAL"
        ) as context:
            return int(command_line.invoke(context) or 0)
    except click.exceptions.Exit as leaving:  # --help and --version
        return leaving.exit_code
    except click.UsageError as error:
        message, path = (
            error.format_message().rstrip("."),
            error.ctx.command_path if error.ctx else "optilocal",
        )
        return _refuse(f"{message}{' See' if message.endswith('?') else '; see'} `{path} --help`")
    except click.ClickException as error:
        return _refuse(error.format_message())
    except ScenarioError as error:
        print(printable(error.report("optilocal: "), lines=True), file=sys.stderr)
        return 2
    except CannotRun as error:
        return _refuse(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt as interrupt:
        return int(getattr(interrupt, "code", 130))
    except Exception as error:
        if os.environ.get("OPTILOCAL_DEBUG"):
            raise
        return _refuse(
            f"internal error, {type(error).__name__}: {error}; OPTILOCAL_DEBUG=1 shows where. Please report it"
        )


def _refuse(message: str) -> int:
    print(f"optilocal: {printable(' '.join(message.split()))}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
