"""The engine's constants of time and size, each with the measurement behind it; there are no others."""

# Exchanges that the projector takes on in one step.
SLICE = 256
# Seconds that a statement waits for another process.
PATIENCE_S = 10.0
# Seconds after which what other processes have written is noticed, and a file that was deleted.
LOOK_S = 0.5
# Bytes of SQLite's write-ahead log after which it is begun anew.
LOG_BYTES = 256_000_000
# Visitors that the projector remembers.
VISITORS = 20_000
# Exchanges that may wait to be projected before answers are held back.
BACKLOG = 400_000
