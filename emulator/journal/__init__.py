"""The durable store of an emulator, and who waits for what it holds."""
