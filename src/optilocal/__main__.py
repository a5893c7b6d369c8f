"""`python -m optilocal` is the command `optilocal`."""

from optilocal.scenarios.cli import main

raise SystemExit(main())
