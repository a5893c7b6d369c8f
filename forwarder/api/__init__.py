"""Segment's addresses and the forwarder's own: Tracking API, control, regulations."""
