"""`python -m optilocal.scenarios` is `optilocal`."""

import sys

from optilocal.scenarios.cli import main

sys.exit(main())
