"""Segment's mapping kit: a mapping of fields to literals and directives, resolved against an event."""

from optilocal.forwarder.destination.mapping.kit import check_mapping, transform

__all__ = ["check_mapping", "transform"]
