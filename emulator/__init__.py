"""Optimizely, imitated: Event API, datafile CDN, subject access requests, counting and verdicts."""
