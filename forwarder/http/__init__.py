"""Segment's request client: real addresses in, local hosts out."""
