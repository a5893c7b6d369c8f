"""Liquid as Segment runs it: python-liquid as the engine, with the expressions, tags and filters of the dialect there."""

from optilocal.forwarder.destination.liquid.engine import liquid_directive

__all__ = ["liquid_directive"]
