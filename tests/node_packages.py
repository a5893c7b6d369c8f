"""Packages of npm for tests that run somebody else's JavaScript: installed once, left out where that cannot be done."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

NPM = (
    "npm",
    "install",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--ignore-scripts",
    "--loglevel=error",
)

OLDEST_NODE = 20


class NotHere(Exception):
    """The packages cannot be had on this machine; the message says why."""


def install(folder: Path) -> str:
    """The packages of `folder/package.json` in its node_modules; the path of Node. Raises `NotHere`."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NotHere("there is no Node.js with npm on this machine")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if not version.startswith("v") or int(version[1:].split(".")[0]) < OLDEST_NODE:
        raise NotHere(f"Node.js {version or 'here does not run'}; {OLDEST_NODE} or newer is needed")
    wanted = (folder / "package.json").read_bytes()
    installed = folder / "node_modules" / ".optilocal-package.json"
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"optilocal-npm-{name}.lock").open("w") as lock:
        # Test workers start at the same time; the first installs, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_bytes() != wanted:
            done = subprocess.run(NPM, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                said = [line for line in done.stderr.splitlines() if line.strip()]
                raise NotHere(
                    f"npm could not install the packages: {said[-1].strip() if said else 'no reason'}"
                )
            installed.write_bytes(wanted)
    return node


def node_with(folder: Path, left_out: str) -> str:
    """Node, with the packages of `folder` installed; `left_out` says what is skipped where that cannot be.

    In CI it must be: there the test fails.
    """
    try:
        return install(folder)
    except NotHere as error:
        reason = f"{left_out} was left out: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
