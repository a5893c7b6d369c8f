"""`python -m scenarios` is `optilocal`."""

import sys

from scenarios.cli import main

sys.exit(main())
