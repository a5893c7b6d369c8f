"""Segment's mapping kit: a mapping of fields to literals and directives, resolved against an event."""

from forwarder.mapping.kit import transform

__all__ = ["transform"]
