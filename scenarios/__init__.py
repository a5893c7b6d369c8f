"""The referee: reads scenario files, drives forwarder and emulator, compares, reports."""
