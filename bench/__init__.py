"""What optilocal costs, measured beside the mock servers that people would pick instead. `make bench` runs it all."""
