"""The engine's constants of time and size, each with the measurement behind it; there are no others.

Measured with the events of bench/ on two shared cores while others worked on them: ratios within one run, not times.
"""

SLICE = 256
"""Rows worked on at once: exchanges in one step, keys of one statement, kept headers and histories. Steps of 32 take 20 to
30 % more processor time an event; steps of 1,024 take 5 to 10 % less, and keep writers waiting four times as long.
"""

PATIENCE_S = 10.0
"""Seconds that whoever writes or erases waits for another process. Erasing writes the file anew meanwhile: half a minute
for a million events, two seconds for a hundred thousand. For as long the projector leaves a burst to capture: 20,000 events
are then captured at 9,000 a second instead of 5,000 to 6,500, and all of them are projected after 5.2 s instead of 6.9.
"""

LOOK_S = 0.5
"""Seconds between two looks at what other processes have written, and at the file itself, so that a deleted one is noticed
within a second; a wait for another process looks a hundred times as often. One look takes less than a millisecond. For a
hundredth of it the projector lets requests come together, unless somebody asks: of a client that sends one after another a
request then costs 0.6 instead of 1.2 ms of processor time.
"""

GATHER_S = 0.001
"""Seconds between two commits of what is captured, while clients wait, where a commit waits for a network: 16 clients are
then stored 15 at once instead of 8, and 3,300 events a second instead of 2,150.
"""

LARGE_BYTES = 64_000_000
"""A larger file is not read through at the start, and a larger log is begun anew: each takes some tenths of a second."""
