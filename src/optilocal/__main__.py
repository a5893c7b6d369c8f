"""`python -m optilocal` is the command `optilocal`."""

try:
    from optilocal.scenarios.cli import main

    code = main()
except KeyboardInterrupt:  # before the command had begun
    code = 130
raise SystemExit(code)
