"""Segment's own code in a Node process that lives as long as the tests, asked line by line."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent


class NotHere(Exception):
    """Segment's code cannot be run on this machine; the message says why."""


def install() -> None:
    """Installs the packages where they are missing. Raises `NotHere`."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NotHere(f"there is no {program} on this machine")
    with (Path(tempfile.gettempdir()) / "optilocal-conformance.lock").open("w") as lock:
        # Test workers start at the same time; the first installs, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run([str(HERE / "install")], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"npm could not install Segment's packages: {_last_line(done.stderr)}")


class SegmentCode:
    """A published package behind one of this folder's programs: by default the destination."""

    def __init__(self, program: str = "oracle.cjs") -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._node = subprocess.Popen(
            ["node", "--no-deprecation", str(HERE / program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def answers(self, lines: Sequence[str]) -> list[str]:
        """What Segment's code makes of some lines, few enough for a pipe, as JSON texts.

        Raises `NotHere` where it does not run.
        """
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        found: list[str] = []
        try:
            self._node.stdin.write("".join(f"{line}\n" for line in lines))
            self._node.stdin.flush()
            found = [self._node.stdout.readline() for _ in lines]
        except BrokenPipeError:
            found = [""]
        if not all(found):
            self._errors.seek(0)
            raise NotHere(f"Segment's code does not run: {_last_line(self._errors.read())}")
        return found

    def close(self) -> None:
        """Ends the process."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.close()
        self._node.wait(timeout=30)
        self._node.stdout.close()
        self._errors.close()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it says nothing"
