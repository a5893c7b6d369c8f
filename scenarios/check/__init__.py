"""The pre-flight: what the user tracks, checked against the user's datafile before anything is sent."""
