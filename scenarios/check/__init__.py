"""The pre-flight: what the user tracks, held against the user's datafile, before anything is sent."""
