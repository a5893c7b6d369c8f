"""`optilocal run`: choose scenarios, run them, report what differs."""

import os
from typing import Any

import click

from optilocal.scenarios.commands.options import FILE, Command, option, servers_options
from optilocal.scenarios.language.problems import CannotRun, ScenarioError
from optilocal.serving.printable import printable

WORKERS = min((os.cpu_count() or 1) + 1, 8)
"""Scenarios at a time: one more than cores, as each waits for the emulator now and then."""


@click.command("run", cls=Command)
@click.argument("paths", nargs=-1, metavar="[PATH ...]")
@option("-k", "expression", metavar="EXPR", help="Only scenarios whose name, file or tags have these words.")
@option("--tag", multiple=True, metavar="TAG", help="Only scenarios with this tag; may be repeated.")
@option(
    "--list",
    "only_list",
    envvar="OPTILOCAL_RUN_LIST",
    is_flag=True,
    help="Show what would run, and run nothing.",
)
@option(
    "--workers",
    envvar="OPTILOCAL_WORKERS",
    type=click.IntRange(1),
    default=WORKERS,
    metavar="N",
    help="How many scenarios run at a time.",
)
@option("--fail-fast", is_flag=True, help="Begin no further scenario after the first failure.")
@option("--json", type=FILE, metavar="FILE", help="Write the result document, - for standard output.")
@option("--junit", type=FILE, metavar="FILE", help="Write JUnit XML.")
@option("--html", type=FILE, metavar="FILE", help="Write one HTML file that opens without a server.")
@option(
    "--github",
    is_flag=True,
    help="Annotate the failing lines for GitHub Actions, and add to $GITHUB_STEP_SUMMARY.",
)
@option(
    "--update",
    count=True,
    show_default=False,
    help="Rewrite the expectations that differ, in place (in CI only when given twice).",
)
@option("--quiet", "-q", is_flag=True, help="Print failures and the counts only.")
@servers_options
@click.pass_obj
def command(
    command_line: str,
    /,
    *,
    paths: tuple[str, ...],
    expression: str | None,
    tag: tuple[str, ...],
    only_list: bool,
    update: int,
    **chosen: Any,
) -> int:
    """Run scenarios: the files and folders named, file:line for a single one, or the shipped suite.

    Without --emulator the scenarios have an emulator of their own.

    \b
    Examples:
      optilocal run
      optilocal run tests/ -k "revenue and not (late or 'no user')"
      optilocal run tests/ --junit report.xml --html report.html --github
      optilocal run checkout.scenario.yaml:12 --emulator http://127.0.0.1:8410
    """
    from optilocal.scenarios.reporters.files import Reports  # noqa: PLC0415
    from optilocal.scenarios.running.selection import choose  # noqa: PLC0415 - `run --help` needs no YAML

    reports = Reports(**{name: chosen.pop(name) for name in ("json", "junit", "html", "github")})
    if update:
        from optilocal.scenarios.editing.update import check_allowed  # noqa: PLC0415 - only to update

        check_allowed(update)
    try:
        scenarios = choose(paths, expression, tag, updating=bool(update))
    except ScenarioError as error:
        reports.write_mistakes(error)
        raise
    if only_list:
        for scenario in scenarios:
            tags = f"  [{', '.join(scenario.tags)}]" if scenario.tags else ""
            print(printable(f"{scenario.id}  {scenario.name}{tags}"))
        return 0
    if chosen["forwarder"] and not chosen["emulator"]:
        raise CannotRun(
            "--forwarder goes with --emulator: a running forwarder reports to the emulator it was started for"
        )
    from optilocal.scenarios.commands.reported_run import RunOptions, run_reported  # noqa: PLC0415 - `--list` needs no server
    from optilocal.scenarios.running.ending import endable  # noqa: PLC0415

    with endable():
        return run_reported(scenarios, RunOptions(command_line, reports, bool(update), **chosen))
