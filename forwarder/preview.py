"""The destination as a pure command: JSON lines in, JSON lines out, nothing leaves the process."""
