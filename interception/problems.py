"""What keeps the interception from working: one line that says what, where and what to do."""

from __future__ import annotations


class InterceptionError(Exception):
    """The interception cannot be started; the text is one line."""
