"""The interception: event batches straight to the emulator, and over TLS to what answers as logx.optimizely.com.

`optilocal up --tls` serves both from one process, as `optilocal exec` does. wrk knows no proxy, so it reaches the listener
by name; behind the greeting a client of the proxy is served by the same code.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.batches import DATAFILE
from bench.figures import median
from bench.load import press
from bench.options import Options, folder, main
from bench.process import CannotMeasure, Running, free_port, started
from bench.record import Record

NAME = "proxy"
DIRECT, CAUGHT = "straight to the emulator", "as logx.optimizely.com, over TLS"


def measure(options: Options, record: Record) -> None:
    """Alternating, in one sandbox."""
    rates: dict[str, list[float]] = {DIRECT: [], CAUGHT: []}
    with folder() as place, _up(Path(place)) as (running, emulator, tls):
        assert running
        for _ in range(options.rounds):
            for name, load in (
                (DIRECT, press(emulator, options.seconds)),
                (CAUGHT, press("https://logx.optimizely.com", options.seconds, caught=tls)),
            ):
                rates[name].append(load.rate)
                if load.errors:
                    record.said.append(f"{name}: {load.errors} errors")
    for name, found in rates.items():
        record.add("event batches a second", name, median(found), "/s")
    ratios = sorted(caught / direct for direct, caught in zip(rates[DIRECT], rates[CAUGHT], strict=True))
    record.add("by the rate straight to the emulator", CAUGHT, median(ratios), "")


@contextlib.contextmanager
def _up(place: Path) -> Iterator[tuple[Running, str, int]]:
    emulator, forwarder, tls = free_port(), free_port(), free_port()
    os.environ["XDG_STATE_HOME"] = str(place / "state")
    command = [sys.executable, "-m", "optilocal", "up", "--quiet", "--journal", str(place / "journal")]
    command += ["--emulator-port", str(emulator), "--forwarder-port", str(forwarder), "--tls", str(tls)]
    command += ["--datafile", str(DATAFILE)]
    url = f"http://127.0.0.1:{emulator}"
    with started(command, url, (("GET", "/_emulator/health"),)) as running:
        while not _listens(tls):
            if running.process.poll() is not None:
                raise CannotMeasure("optilocal up does not listen for TLS")
            time.sleep(0.01)
        yield running, url, tls


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
