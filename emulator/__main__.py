"""Lets `python -m optilocal.emulator` start the emulator."""

import sys

from optilocal.emulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
