"""Segment's mapping kit: a mapping of fields to literals and directives, resolved against an event."""

from forwarder.mapping.kit import check_mapping, transform

__all__ = ["check_mapping", "transform"]
