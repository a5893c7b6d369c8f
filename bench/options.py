"""What every bench is told, and how one runs alone: `python -m bench.capture --quick`."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bench import machine, packages
from bench.process import CannotMeasure, stop_all
from bench.record import Record

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Options:
    """How long and how much is measured. `quick` only proves that everything works: its figures mean little."""

    quick: bool = False
    million: bool = True
    minutes: float = 2.0
    repeated: int | None = None

    @property
    def rounds(self) -> int:
        """Repetitions, in alternating order."""
        return self.repeated or (1 if self.quick else 3)

    @property
    def seconds(self) -> float:
        """How long one load lasts."""
        return 2.0 if self.quick else 8.0

    @property
    def recorded(self) -> int:
        """How many events are recorded where the issue says a hundred thousand."""
        return 2_000 if self.quick else 100_000

    @property
    def warm_up(self) -> int:
        """How many requests a server answers before it is measured: Java is at its best only after some seconds."""
        return 500 if self.quick else 20_000

    @property
    def results(self) -> Path:
        """Where records are kept; those of a quick run are not."""
        return RESULTS / "quick" if self.quick else RESULTS


Measure = Callable[[Options, Record], None]


def run(name: str, measure: Measure, options: Options) -> Record:
    """One bench: measured, printed, kept. What cannot be had is in the record."""
    record = Record(name, machine.about(), _how(options))
    print(f"{name} …", flush=True)
    try:
        measure(options, record)
    except CannotMeasure as error:
        record.said.append(str(error))
    print("\n".join(record.lines()), flush=True)
    record.write(options.results)
    return record


def main(name: str, measure: Measure, arguments: Sequence[str] | None = None) -> int:
    """One bench as a command. 0 when it measured anything, 1 when not."""
    options = read(arguments)
    with prepared():
        return 0 if run(name, measure, options).figures else 1


def read(arguments: Sequence[str] | None = None) -> Options:
    """The options of a command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="prove that it works; the figures mean little")
    parser.add_argument(
        "--no-million",
        action="store_true",
        help="stop at a hundred thousand recorded events, as --quick does",
    )
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="how long the steady load lasts (default 2)"
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="repetitions, in alternating order (default 3)"
    )
    chosen = parser.parse_args(arguments)
    if chosen.rounds is not None and chosen.rounds < 1:
        parser.error("--rounds must be 1 or more")
    minutes = chosen.minutes or (0.35 if chosen.quick else 2.0)
    return Options(chosen.quick, not (chosen.quick or chosen.no_million), minutes, chosen.rounds)


@contextmanager
def prepared() -> Iterator[None]:
    """What makes the load is here, or the command ends with 1. SIGTERM ends a bench as Ctrl-C does: with everything
    stopped that it started.
    """

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        packages.wrk()
        yield
    except CannotMeasure as error:
        print(f"bench: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)
        stop_all()


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="optilocal-bench-", ignore_cleanup_errors=True) as found:
        yield Path(found)


def _how(options: Options) -> dict[str, object]:
    told: dict[str, object] = {"rounds": options.rounds, "seconds": options.seconds}
    told |= {"recorded": options.recorded, "minutes": options.minutes}
    return {**told, "quick": True} if options.quick else told
