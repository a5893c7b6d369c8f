"""`optilocal exec`: a program as it is, with what it sends to the real hosts caught by a sandbox."""

from typing import Any

import click
from click.core import ParameterSource

from optilocal.scenarios.commands.options import FILE, Command, option, sandbox_options, servers_options

EXIT_CODES = (
    "Exit codes: those of COMMAND, 128 + the signal that ended it · 1 COMMAND ended with 0 and --only refused a host · "
    "126 COMMAND cannot be run · 127 there is no COMMAND · 2 optilocal could not do its work"
)


class _ExecCommand(Command):
    """The user's command stands after `--`, so that none of its options is taken for one of ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" not in args and "--help" not in args:
            ctx.fail("write -- before the command that is to run: optilocal exec [OPTIONS] -- COMMAND")
        return super().parse_args(ctx, args)


@click.command("exec", cls=_ExecCommand, epilog=EXIT_CODES)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND ...")
@sandbox_options
@option("--only", is_flag=True, help="Let nothing leave: refuse every host that is not caught, and name it.")
@option(
    "--allow",
    multiple=True,
    metavar="HOST",
    help="With --only, a host that may be reached, such as *.example.com; may be repeated.",
)
@servers_options
@option(
    "--namespace", metavar="NS", help="The namespace that takes what is caught (default: the default one)."
)
@option(
    "--scenario-report",
    "reports",
    envvar="OPTILOCAL_EXEC_SCENARIO_REPORT",
    multiple=True,
    type=FILE,
    metavar="FILE",
    help="Write each event's verdict: .json (result document), .xml (JUnit) or .html; may be repeated.",
)
@option("--quiet", "-q", is_flag=True, help="Print no summary.")
@click.pass_context
def command(context: click.Context, /, **chosen: Any) -> int:
    """Run COMMAND as it is; what it sends to the real hosts of Optimizely and Segment ends in a sandbox.

    Pages with Segment's snippet get its code from --analytics-js, else from Segment's CDN, and with --only from nowhere.

    \b
    Examples:
      optilocal exec -- pytest
      optilocal exec --datafile datafile.json --only -- npm test
      optilocal exec --scenario-report verdicts.html -- ./run-end-to-end.sh
    """
    # A flag beats the environment: inside another exec, or beside a variable for `up`, what was typed counts.
    typed = {
        name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if chosen["datafile"] and chosen["emulator"]:
        if "datafile" not in typed:
            chosen["datafile"] = ()
        elif "emulator" not in typed:
            chosen["emulator"] = chosen["forwarder"] = None
    if chosen["emulator"] and "emulator" in typed and "forwarder" not in typed:
        chosen["forwarder"] = None
    if chosen["forwarder"] and "settings" not in typed:
        chosen["settings"] = None
    from optilocal.scenarios.sandbox.program import ProgramOptions, run_program  # noqa: PLC0415 - `--help` needs no server

    return run_program(ProgramOptions(context.obj, **chosen))
