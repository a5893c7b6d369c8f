"""`python -m optilocal.scenarios.language.schema scenario > scenario.schema.json`."""

from __future__ import annotations

import argparse
import sys

from optilocal.scenarios.language.schema import NAMES, path


def main() -> int:
    """Print the schema that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m optilocal.scenarios.language.schema", description="Print a JSON Schema."
    )
    parser.add_argument("name", choices=NAMES, nargs="?", default=NAMES[0])
    sys.stdout.write(path(parser.parse_args().name).read_text(encoding="utf-8"))
    return 0


sys.exit(main())
