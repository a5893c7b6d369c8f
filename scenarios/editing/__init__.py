"""Scenario files written and changed: update, record."""
