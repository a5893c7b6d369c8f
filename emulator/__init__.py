"""Optimizely, imitated: Event API, datafile CDN, subject access requests, counting and verdicts."""

__version__ = "0.1.0"
