"""`optilocal emulator`: that server alone; its options are its own."""

import click


@click.command("emulator", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Optimizely on this machine: Event API, datafile CDN, REST API, viewer."""
    from optilocal.emulator.cli import main  # noqa: PLC0415 - a server is slow to import

    return main(arguments)
