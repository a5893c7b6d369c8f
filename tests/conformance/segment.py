"""Segment's own code in a Node process that lives as long as the tests, spoken to in batches of lines."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent


class Segment:
    """The published destination, line by line."""

    def __init__(self) -> None:
        self._node = subprocess.Popen(
            ["node", "--no-deprecation", str(HERE / "oracle.cjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answers(self, texts: Sequence[str]) -> list[str]:
        """What Segment's code makes of each line, as JSON text."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        found: list[str] = []
        # Small portions, so that neither side ever waits for the other with a full pipe.
        for text in texts:
            self._node.stdin.write(text + "\n")
            self._node.stdin.flush()
            found.append(self._node.stdout.readline())
        return found

    def close(self) -> None:
        """Ends the process."""
        assert self._node.stdin is not None
        self._node.stdin.close()
        self._node.wait(timeout=10)
