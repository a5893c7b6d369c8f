"""Expected against captured: pair, compare, difference records."""
