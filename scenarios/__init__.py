"""Reads scenario files, drives forwarder and emulator, compares what came of it, reports."""
