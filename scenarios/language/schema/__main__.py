"""`python -m optilocal.scenarios.language.schema scenario > scenario.schema.json`."""

import json
import sys

import click

from optilocal.scenarios.language.schema import NAMES, read


@click.command()
@click.argument("name", type=click.Choice(NAMES), default=NAMES[0])
def main(name: str) -> None:
    """Print a JSON Schema: of scenario files, of a folder's defaults, or of the result document."""
    sys.stdout.write(json.dumps(read(name), ensure_ascii=False, indent=2) + "\n")


main()
