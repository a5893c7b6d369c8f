"""`optilocal init`: the first files of a project, with the user's own names."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optilocal.scenarios.commands.options import FILE, Command, option
from optilocal.scenarios.language.problems import CannotRun

if TYPE_CHECKING:
    from optilocal.scenarios.editing.starter import Example

EXPERIMENT, VARIATIONS, EVENT = "checkout_test", ("control", "treatment"), "Order Completed"


@click.command("init", cls=Command)
@click.argument("folder", type=FILE, default=Path(), metavar="[FOLDER]")
@option("--datafile", metavar="FILE|URL", help="Your datafile, in place of a new one of the names below.")
@option("--experiment", metavar="NAME", help=f"The experiment's key (default: {EXPERIMENT}).")
@option(
    "--variation",
    "variations",
    envvar="OPTILOCAL_INIT_VARIATION",
    multiple=True,
    metavar="NAME",
    help=f"A variation's key; may be repeated (default: {' and '.join(VARIATIONS)}).",
)
@option(
    "--event",
    "events",
    envvar="OPTILOCAL_INIT_EVENT",
    multiple=True,
    metavar="NAME",
    help=f"An event that you track; may be repeated (default: {EVENT}).",
)
@option("--flag", metavar="NAME", help="The flag's key (default: the experiment's).")
@option("--sdk-key", metavar="KEY", help="The SDK key that your programs use (default: LOCAL-SDK-KEY).")
def command(
    *,
    folder: Path,
    datafile: str | None,
    experiment: str | None,
    variations: tuple[str, ...],
    events: tuple[str, ...],
    flag: str | None,
    sdk_key: str | None,
) -> int:
    """Write a small datafile of your own names, a scenario that passes, one that shows a lost conversion, the schemas for
    your editor, and a CI file. Nothing is overwritten. At a terminal what no option names is asked for.

    \b
    Examples:
      optilocal init
      optilocal init tracking --experiment checkout_test --event "Order Completed" --event "Product Added"
      optilocal init --datafile https://cdn.optimizely.com/datafiles/KEY.json
    """
    from optilocal.scenarios.editing import starter  # noqa: PLC0415 - `--help` needs no schemas

    named = any((experiment, variations, events, flag, sdk_key))
    if datafile and named:
        raise CannotRun("--datafile brings its own names; give it, or the names")
    if not datafile and not named and sys.stdin.isatty():
        experiment = click.prompt("Experiment", default=EXPERIMENT)
        variations = tuple(_list(click.prompt("Variations, with commas", default=", ".join(VARIATIONS))))
        events = tuple(_list(click.prompt("Events that you track, with commas", default=EVENT)))
    if datafile:
        content, example = _of_ones_own(datafile)
    else:
        names = starter.Names(
            experiment or EXPERIMENT,
            _distinct(variations or VARIATIONS, "--variation"),
            _distinct(events or (EVENT,), "--event"),
            flag or experiment or EXPERIMENT,
            sdk_key or "LOCAL-SDK-KEY",
        )
        content = starter.new_datafile(names)
        example = next(starter.examples(content))
    try:
        new, existing = starter.written(folder, starter.files(content, example))
    except OSError as error:
        raise CannotRun(f"cannot write {error.filename or folder}: {error.strerror or error}") from None
    for file in new:
        click.echo(f"written  {file}")
    for file in existing:
        click.echo(f"kept     {file}  (it was there already)")
    click.echo(f"next     optilocal run {shlex.quote(str(folder))}")
    return 0


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _distinct(names: tuple[str, ...], option_name: str) -> tuple[str, ...]:
    distinct = tuple(dict.fromkeys(names))
    if len(distinct) != len(names) or not all(name.strip() for name in distinct):
        raise CannotRun(f"{option_name}: each name once, and none empty")
    return distinct


def _of_ones_own(source: str) -> tuple[dict[str, Any], Example]:
    """The datafile at a path or URL, and what counts with it: found by trying, with an SDK and a sandbox."""
    from optilocal.scenarios.editing.starter import examples  # noqa: PLC0415 - a datafile of one's own needs a sandbox
    from optilocal.scenarios.sandbox.sandbox import sandbox  # noqa: PLC0415

    try:
        with sandbox(source) as trial:
            datafile = trial.optimizely.datafile
            for number, example in enumerate(examples(datafile)):
                user = f"u-{number}"
                trial.optimizely.activate(user, example.experiment, example.variation)
                trial.segment.track(user, example.event)
                if trial.optimizely.verdicts(visitor_id=user, outcome="counted"):
                    return datafile, example
    except ValueError as error:
        raise CannotRun(f"--datafile {source}: {error}") from None
    raise CannotRun(
        f"--datafile {source}: nothing can count with it, as no experiment runs that has one of its events as a metric"
    )
