"""The workers between store and pipeline, and reports on their way to the emulator."""
