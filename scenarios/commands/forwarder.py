"""`optilocal forwarder`: that server alone; its options are its own."""

import click


@click.command("forwarder", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Segment's side: takes source events and sends them to a local Optimizely."""
    from optilocal.forwarder.cli import main  # noqa: PLC0415 - a server is slow to import

    return main(arguments)
