"""The `optilocal` command: its options. Exit codes: 0 all as expected, 1 a difference, 2 could not do its work."""

from __future__ import annotations

import argparse
import atexit
import gc
import io
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from optilocal import __version__
from optilocal.scenarios.language.problems import CannotRun, ScenarioError

WORKERS = min((os.cpu_count() or 1) + 1, 8)
"""Scenarios at a time: one more than cores, as each waits for the emulator now and then."""
EXIT_CODES = (
    "exit codes: 0 all as expected · 1 a difference, a failed check · 2 the command could not do its work"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What goes wrong is one line on stderr, never a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Everything that is left goes with the process; to look for garbage in it first would take a tenth of a second.
    atexit.register(gc.freeze)
    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # a terminal or build log that knows no ✓ gets its code instead
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        options, unknown = parser().parse_known_args(arguments)
        if unknown:
            known = f"optilocal {options.named}"
            raise _UsageError(f"unrecognized arguments: {' '.join(unknown)}; see `{known} --help`")
    except _UsageError as error:
        return _refuse(str(error))
    except SystemExit as leaving:  # --help and --version
        return int(leaving.code or 0)
    options.command_line = shlex.join(["optilocal", *arguments])
    try:
        return int(options.command(options))
    except ScenarioError as error:
        for problem in error.problems:
            print(f"optilocal: {problem}", file=sys.stderr)
        return 2
    except CannotRun as error:
        return _refuse(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("OPTILOCAL_DEBUG"):
            raise
        return _refuse(
            f"internal error, {type(error).__name__}: {error}; OPTILOCAL_DEBUG=1 shows where. Please report it"
        )


def _refuse(message: str) -> int:
    print(f"optilocal: {' '.join(message.split())}", file=sys.stderr)
    return 2


class _UsageError(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise _UsageError(f"{message}; see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """Every command and option. A flag beats its environment twin, the environment beats the default."""
    top = _Parser(
        prog="optilocal",
        description="A local test harness and mock Optimizely: why was this conversion not counted?",
        epilog=EXIT_CODES,
    )
    top.add_argument("--version", action="version", version=f"optilocal {__version__}")
    commands = top.add_subparsers(
        title="commands", metavar="COMMAND", dest="named", required=True, parser_class=_Parser
    )
    _run_options(_command(commands, "run", _run, "run scenarios (default: the shipped suite)"))
    _up_options(
        _command(commands, "up", _up, "start the sandbox: emulator, forwarder and viewer, until Ctrl-C")
    )
    _check_options(
        _command(
            commands, "check", _check, "which tracked events will never count, and why; nothing is started"
        )
    )
    _record_options(_command(commands, "record", _record, "recorded events as a scenario that passes"))
    preview = _command(
        commands, "preview", _preview, "what Segment would send: JSON lines in, JSON lines out"
    )
    preview.add_argument(
        "file", nargs="?", metavar="FILE", type=Path, help="JSON lines (default: standard input)"
    )
    explain = _command(commands, "explain", _explain, "the verdict on one event, in words")
    explain.add_argument(
        "message_id", metavar="MESSAGE_ID", help="the messageId of a Segment event, or an event's uuid"
    )
    _option(
        explain,
        "--emulator",
        "OPTILOCAL_EMULATOR",
        "http://127.0.0.1:8410",
        metavar="URL",
        help="a running emulator",
    )
    return top


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    words: str,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words, epilog=EXIT_CODES
    )
    command.set_defaults(command=run)
    return command


def _option(
    command: argparse.ArgumentParser, flag: str, variable: str, default: object, **arguments: object
) -> None:
    """An option and its environment twin."""
    words = f"{arguments.pop('help')} (default: {default or 'none'}; environment: {variable})"
    value = os.environ.get(variable) or default
    command.add_argument(flag, default=value, help=words.replace("%", "%%"), **arguments)  # type: ignore[arg-type]


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; take 0 (any free one) to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of workers; take 1 or more")
    return int(text)


def _run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="scenario files, folders of them, or file:line for one scenario",
    )
    command.add_argument(
        "-k",
        dest="expression",
        metavar="EXPR",
        help="only those whose name, file or tags have these words: and, or, not, ( )",
    )
    command.add_argument(
        "--tag", action="append", default=[], help="only those with this tag (may be given several times)"
    )
    command.add_argument("--list", action="store_true", help="show what would run, and run nothing")
    _option(
        command,
        "--workers",
        "OPTILOCAL_WORKERS",
        str(WORKERS),
        type=_workers,
        metavar="N",
        help="how many at a time",
    )
    command.add_argument("--fail-fast", action="store_true", help="begin nothing new after the first failure")
    command.add_argument(
        "--json", type=Path, metavar="FILE", help="write the result document, - for standard output"
    )
    command.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    command.add_argument(
        "--html", type=Path, metavar="FILE", help="write one HTML file that opens without a server"
    )
    command.add_argument(
        "--github",
        action="store_true",
        help="annotate the failing lines for GitHub Actions, and add to $GITHUB_STEP_SUMMARY",
    )
    command.add_argument(
        "--update", action="count", default=0,
        help="rewrite the expectations that differ, in place (in CI only when given twice)",
    )  # fmt: skip
    command.add_argument("--quiet", action="store_true", help="print failures and the counts only")
    _option(
        command,
        "--emulator",
        "OPTILOCAL_EMULATOR",
        None,
        metavar="URL",
        help="use a running emulator, not one of its own",
    )
    _option(
        command,
        "--forwarder",
        "OPTILOCAL_FORWARDER",
        None,
        metavar="URL",
        help="use a running forwarder, not one of its own",
    )


def _up_options(command: argparse.ArgumentParser) -> None:
    _option(command, "--host", "EMULATOR_HOST", "127.0.0.1", help="address to listen on")
    _option(
        command,
        "--emulator-port",
        "EMULATOR_PORT",
        "8410",
        type=_port,
        metavar="PORT",
        help="0 for any free one",
    )
    _option(
        command,
        "--forwarder-port",
        "FORWARDER_PORT",
        "8411",
        type=_port,
        metavar="PORT",
        help="0 for any free one",
    )
    command.add_argument(
        "--datafile", nargs="+", action="extend", default=[], metavar="FILE|URL",
        help="datafiles to serve, each under its sdkKey (default: the shipped shop's; "
        "environment: EMULATOR_DATAFILE, with commas)",
    )  # fmt: skip
    _option(
        command,
        "--settings",
        "FORWARDER_SETTINGS",
        None,
        type=Path,
        metavar="FILE",
        help="the destination's settings and mappings, JSON",
    )
    _option(
        command,
        "--journal",
        "EMULATOR_JOURNAL",
        None,
        type=Path,
        metavar="FILE",
        help="keep the journal in this file, and what the forwarder accepted in FILE.spool",
    )
    command.add_argument(
        "--run",
        nargs="*",
        metavar="PATH",
        help="run scenarios once both servers are up (default: the shipped suite)",
    )


def _check_options(command: argparse.ArgumentParser) -> None:
    _option(
        command, "--datafile", "OPTILOCAL_DATAFILE", None, metavar="FILE|URL", help="your Optimizely datafile"
    )
    command.add_argument(
        "--events", nargs="+", action="extend", required=True, metavar="FILE",
        help="what you track: a tracking plan export, recorded events, a list of names, CSV, or a folder of source code",
    )  # fmt: skip
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report, - for standard output")
    command.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="the destination's settings and mappings, JSON, as `up` takes them",
    )
    command.add_argument(
        "--call", action="append", default=[], metavar="NAME",
        help="a function of your own that tracks: its calls are read too (may be given several times)",
    )  # fmt: skip
    command.add_argument("--strict", action="store_true", help="what is worth knowing fails too")


def _check(options: argparse.Namespace) -> int:
    from optilocal.scenarios.check.command import check_command  # noqa: PLC0415

    return check_command(options)


def _record_options(command: argparse.ArgumentParser) -> None:
    _option(
        command,
        "--emulator",
        "OPTILOCAL_EMULATOR",
        "http://127.0.0.1:8410",
        metavar="URL",
        help="a running emulator",
    )
    command.add_argument(
        "--namespace", metavar="NS", help="the namespace to record (default: the default one)"
    )
    command.add_argument(
        "--message-id", action="append", default=[], metavar="ID",
        help="only this event and its visitor's decisions (may be given several times)",
    )  # fmt: skip
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write there, datafiles beside it (default: standard output)",
    )


def _record(options: argparse.Namespace) -> int:
    from optilocal.scenarios.editing.record import record_command  # noqa: PLC0415

    return record_command(options)


def _run(options: argparse.Namespace) -> int:
    from optilocal.scenarios.commands.commands import run_command  # noqa: PLC0415  (--version and --help must not wait for Flask)

    return run_command(options)


def _up(options: argparse.Namespace) -> int:
    from optilocal.scenarios.commands.commands import up_command  # noqa: PLC0415

    return up_command(options)


def _explain(options: argparse.Namespace) -> int:
    from optilocal.scenarios.commands.commands import explain_command  # noqa: PLC0415

    return explain_command(options)


def _preview(options: argparse.Namespace) -> int:
    from optilocal.forwarder.destination import preview  # noqa: PLC0415

    # Whatever the locale says, lines are UTF-8; bytes that are not are kept for the line to be told of.
    if options.file is None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
        return preview.main(sys.stdin, sys.stdout)
    try:
        lines = options.file.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise CannotRun(f"cannot read {options.file}: {error.strerror}") from None
    with lines:
        return preview.main(lines, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
