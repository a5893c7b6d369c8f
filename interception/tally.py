"""What went through the interception, counted by host."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Written by the proxy's thread alone; whoever reads it while the proxy runs sees numbers that may still grow."""

    caught: Counter[str] = field(default_factory=Counter)
    """Requests to caught hosts."""
    tunnelled: Counter[str] = field(default_factory=Counter)
    """Connections to other hosts that were let through."""
    refused: Counter[str] = field(default_factory=Counter)
    """Connections to other hosts that were refused."""
    unreached: dict[str, str] = field(default_factory=dict)
    """Hosts and servers that could not be reached → why."""
    distrusted: Counter[str] = field(default_factory=Counter)
    """Connections to caught hosts whose client did not accept the certificate."""
