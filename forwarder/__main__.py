"""`python -m optilocal.forwarder`."""

import sys

from optilocal.forwarder.cli import main

if __name__ == "__main__":
    sys.exit(main())
