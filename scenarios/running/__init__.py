"""From a scenario to what was captured."""
