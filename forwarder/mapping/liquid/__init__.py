"""Liquid as Segment runs it: python-liquid as the engine, with the expressions, tags and filters of the dialect there."""

from forwarder.mapping.liquid.engine import liquid_directive

__all__ = ["liquid_directive"]
