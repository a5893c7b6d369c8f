"""`optilocal.sandbox()` for tests and scripts; pytest's fixtures are made of it."""
