"""Finds a Chromium for the browser tests: $CHROMIUM, one on PATH, Playwright's own; `--install` gets one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The shell is Chromium without a desktop's window around it: the viewer's tests take half the time in it.
ON_PATH = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """The path of a browser, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((path for path in map(shutil.which, ON_PATH) if path), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (only needed when no other browser is there)

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Playwright's download, else the system's package manager when that is allowed."""
    if (
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode
        == 0
    ):
        return
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=False)
        for browser in ON_PATH[:2]:
            packages = [browser, "fonts-dejavu-core"]
            got = subprocess.run(
                ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], check=False
            )
            if got.returncode == 0:
                return


def main() -> int:
    """Say which browser is used. 0 even without one: the browser tests fail then, and say why."""
    if find() is None and "--install" in sys.argv[1:]:
        if os.environ.get("CHROMIUM"):
            print(f"$CHROMIUM is {os.environ['CHROMIUM']!r}, which is no program", file=sys.stderr)
        else:
            install()
    found = find()
    print(
        f"browser for the tests: {found}"
        if found
        else "no Chromium found and none could be installed: browser tests will fail"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
