"""`optilocal check`: which tracked events will never count; nothing is started."""

from typing import Any

import click

from optilocal.scenarios.commands.options import FILE, Command, Many, offline_options, option


@click.command("check", cls=Command)
@offline_options(datafile_help="Your Optimizely datafile.", required=True)
@option(
    "--events",
    cls=Many,
    required=True,
    metavar="FILE ...",
    help="What you track: a tracking plan, recorded events, a list of names, CSV, or a folder of source code.",
)
@option("--json", type=FILE, metavar="FILE", help="Write the report, - for standard output.")
@option(
    "--call",
    multiple=True,
    metavar="NAME",
    help="A function of your own that tracks: its calls are read too; may be repeated.",
)
@option("--junit", type=FILE, metavar="FILE", help="Write JUnit XML, a test case an event.")
@option("--sarif", type=FILE, metavar="FILE", help="Write SARIF 2.1.0, as code scanning reads it.")
@option("--github", is_flag=True, help="Annotate the lines that track for GitHub Actions.")
@option("--strict", is_flag=True, help="What is worth knowing fails too.")
def command(**chosen: Any) -> int:
    """Tell which of the events you track will never count in Optimizely, and why. Nothing is started or sent.

    \b
    Examples:
      optilocal check --datafile datafile.json --events tracking-plan.json src/
      optilocal check --datafile datafile.json --events src/ --github --sarif optilocal.sarif
      optilocal check --datafile https://cdn.optimizely.com/datafiles/KEY.json --events names.csv --strict
    """
    from optilocal.scenarios.check.command import check  # noqa: PLC0415 - `check --help` needs none of it

    return check(**chosen)
