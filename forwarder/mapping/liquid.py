"""Directive @liquid."""

from forwarder.mapping.directives import Resolve
from forwarder.javascript import Value


def liquid_directive(value: Value, event: Value, resolve: Resolve) -> Value:
    return ""
