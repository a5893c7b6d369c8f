"""The destination's actions; there is one."""
