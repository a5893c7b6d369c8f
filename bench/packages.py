"""What the benches need beside Python: wrk, Java, the peers from npm; installed where that can be done, told where not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from bench.process import CannotMeasure

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
_WANTED = MODULES / ".optilocal-package-lock.json"


def wrk() -> None:
    """wrk on PATH, or from the system's packages when that is allowed. Raises CannotMeasure."""
    if shutil.which("wrk") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=False, stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "wrk"]
        subprocess.run(install, check=False, stdout=subprocess.DEVNULL)
    if shutil.which("wrk") is None:
        raise CannotMeasure("there is no wrk on this machine; install it, its package is called wrk")


def java() -> str:
    """The path of Java. Raises CannotMeasure."""
    found = shutil.which("java")
    if found is None:
        raise CannotMeasure("there is no java on this machine; install a Java runtime, 11 or newer")
    return found


def node() -> str:
    """The path of Node with the packages of package-lock.json installed beside it. Raises CannotMeasure."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise CannotMeasure("there is no Node.js with npm on this machine")
    lock = (HERE / "package-lock.json").read_bytes()
    if not _WANTED.exists() or _WANTED.read_bytes() != lock:
        done = subprocess.run(["npm", "ci"], cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            raise CannotMeasure(f"npm could not install the peers: {said[-1] if said else 'it says nothing'}")
        _WANTED.write_bytes(lock)
    return found


def version(package: str) -> str:
    """The version of an installed npm package."""
    text = (MODULES / package / "package.json").read_text(encoding="utf-8")
    return str(json.loads(text)["version"])
