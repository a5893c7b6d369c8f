"""What the attacks share: servers in processes of their own, and the figures that end up in docs/security.md.

`make attack` runs every file of this folder; a bounded version of each attack is among the tests.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
for _folder in (ROOT / "tests", ROOT / "tests/emulator", ROOT / "tests/forwarder"):
    sys.path.insert(0, str(_folder))
PAGE = ROOT / "docs/security.md"
MEMORY_MB = 300
_FIGURES: dict[str, str] = {}


@pytest.fixture(scope="session", autouse=True)
def many_connections() -> None:
    """Thousands of connections need as many descriptors, here and in the servers that are started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))


class Served:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.url = f"http://127.0.0.1:{port}"

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def most_memory_mb(self) -> float:
        """The most resident memory that it has had, in megabytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024 / 1e6  # type: ignore[index]

    def processor_s(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


SHOP = "scenarios/suite/datafiles/shop.json"


def connect_to_shop(forwarder: Served) -> None:
    """Set the forwarder's destination up with the shop's datafile."""
    shop = json.loads((ROOT / SHOP).read_text())
    url = f"https://cdn.optimizely.com/datafiles/{shop['sdkKey']}.json"
    settings = json.dumps({"accountId": shop["accountId"], "dataFileUrl": url}).encode()
    headers = {"Content-Type": "application/json"}
    assert forwarder.ask("PUT", "/_forwarder/settings", settings, **headers)[0] == 200


@contextmanager
def served(module: str, *options: object) -> Iterator[Served]:
    """`python -m optilocal.emulator` or `optilocal.forwarder` on a free port, ended with the block."""
    command = [sys.executable, "-m", f"optilocal.{module}", "--port", "0", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        try:
            yield Served(process, port)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def figure() -> Any:
    """Tell one figure of an attack: what was done, and what came of it."""

    def tell(attack: str, result: str) -> None:
        _FIGURES[attack] = result
        print(f"{attack}: {result}")

    return tell


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Put the figures of a run without a failure into the page."""
    if exitstatus != 0 or session.testsfailed or not _FIGURES or not session.config.getoption("--write"):
        return
    rows = [f"| {attack} | {result} |" for attack, result in _FIGURES.items()]
    table = "\n".join(["| attack | what came of it |", "|---|---|", *rows])
    begin, end = "<!-- figures of make attack -->\n", "\n<!-- end of the figures -->"
    text = PAGE.read_text("utf-8")
    before, rest = text.split(begin)
    PAGE.write_text(f"{before}{begin}{table}{end}{rest.split(end)[1]}", "utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write` puts the figures into docs/security.md."""
    parser.addoption("--write", action="store_true", help="put the figures into docs/security.md")
