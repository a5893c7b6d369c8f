"""Readers of the result document, one file each; none of them knows how a scenario was run."""
