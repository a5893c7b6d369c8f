"""Questions: how long the answers take that people wait for, from a thousand recorded events to a million; peers too."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from bench import ours
from bench.batches import EXPERIMENT, VISITORS, filled, kinds, uuid_of, visitor
from bench.client import Client
from bench.delivery import report
from bench.figures import median
from bench.load import fill
from bench.options import Options, folder, main
from bench.peers import MOCKOON, MOUNTEBANK, WIREMOCK, Peer
from bench.process import CannotMeasure
from bench.record import Goal, Record

NAME = "questions"
OURS = "optilocal"
VERDICT, VISITOR = "verdict of a message id", "events of a visitor"
LAST, RESULTS, ALL_RESULTS = "last 50 events", "results of an experiment", "results of all experiments"
QUESTIONS = (VERDICT, VISITOR, LAST, RESULTS, ALL_RESULTS)
_REPORTED = 20
"""One event in so many is a conversion that a forwarder sent and reported."""


def measure(options: Options, record: Record) -> None:
    """One emulator, filled step by step, each question asked of it at each step; then each peer likewise."""
    steps = [500, 2_000] if options.quick else [1_000, 3_000, 10_000, 30_000, 100_000]
    if options.million:
        steps += [300_000, 1_000_000]
    # Nothing that is asked for may have been dropped.
    kept = ("--max-events", str(2 * steps[-1]))
    with folder() as place, ours.emulator(place, *kept) as running:
        sender = _Sender(running.url)
        with Client(running.url) as client:
            for step in steps:
                sender.fill_to(step, client)
                for question, found in _asked(sender, client, 5 if options.quick else 31).items():
                    record.series.setdefault(f"{OURS}: {question}", []).append((float(step), found))
                    if step in (steps[-1], options.recorded):
                        _tell(record, question, found, step)
    for peer in (WIREMOCK, MOUNTEBANK, MOCKOON):
        try:
            with folder() as place:
                _ask_peer(peer, place, [step for step in steps if step <= options.recorded], options, record)
        except CannotMeasure as error:
            record.said.append(f"{peer.name}: {error}")
        except (OSError, http.client.HTTPException) as error:
            record.said.append(f"{peer.name}: hung up while it was asked ({type(error).__name__})")


def path_of(question: str, random: Random, message_ids: Sequence[str]) -> str:
    """Where a question is asked, of any visitor, of any of the message ids."""
    paths: dict[str, Callable[[], str]] = {
        VERDICT: lambda: f"/_emulator/verdicts?message_id={random.choice(message_ids)}",
        VISITOR: lambda: f"/_emulator/events?visitor_id={visitor(random.randrange(VISITORS))}",
        LAST: lambda: "/_emulator/events?order=newest&limit=50",
        RESULTS: lambda: f"/v2/experiments/{EXPERIMENT}/results",
        ALL_RESULTS: lambda: "/_emulator/results",
    }
    return paths[question]()


def _tell(record: Record, question: str, found: float, step: int) -> None:
    record.add(f"{question}, {step:,} recorded", OURS, found, "ms")
    most = 5.0 if step <= 100_000 else 20.0
    if question == ALL_RESULTS:
        return
    record.goals.append(Goal(f"{question}, {step:,} recorded", found, most, unit="ms"))


class _Sender:
    """Sends what is asked for later, and remembers the message ids it used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.random = Random(7)
        self.message_ids: list[str] = []
        self._client = Client(url)

    def fill_to(self, count: int, client: Client) -> None:
        """So many events recorded, every twentieth with a report, and all that follows from them done."""
        missing = count - ours.recorded(client)
        for _ in range(max(1, missing // _REPORTED)):
            self.reported()
        missing = count - ours.recorded(client)
        if missing > 0:
            fill(self.url, missing)
        ours.settled(client)
        # Whoever asks for outcomes or results has the events judged and counted that are not yet.
        for path in ("/_emulator/verdicts?outcome=counted&limit=1", "/_emulator/results"):
            client.ask("GET", path)

    def reported(self) -> None:
        """One conversion, and the forwarder's report of it."""
        now = time.time_ns() // 1_000_000
        message_id, who = uuid_of(self.random), visitor(self.random.randrange(VISITORS))
        batch = filled(kinds(now)[1], who, message_id)
        self._client.ask("POST", "/v1/events", json.dumps(batch).encode())
        self._client.json("POST", "/_emulator/deliveries", report(batch, message_id, who, now))
        self.message_ids.append(message_id)

    def one_more(self) -> None:
        """One more event, so that no answer is an old one kept."""
        now = time.time_ns() // 1_000_000
        kind = self.random.choice(kinds(now))
        batch = filled(kind, visitor(self.random.randrange(VISITORS)), uuid_of(self.random))
        self._client.ask("POST", "/v1/events", json.dumps(batch).encode())


def _asked(sender: _Sender, client: Client, times: int) -> dict[str, float]:
    """Median milliseconds of each question, each asked right after one more event was recorded."""
    taken: dict[str, list[float]] = {question: [] for question in QUESTIONS}
    for _ in range(times):
        for question in QUESTIONS:
            sender.one_more()
            path = path_of(question, sender.random, sender.message_ids)
            spent, answer = client.timed("GET", path)
            if question == VERDICT and len(answer["verdicts"]) != 1:
                raise CannotMeasure("a reported message id has no verdict")
            taken[question].append(spent)
    return {question: median(found) for question, found in taken.items()}


def _ask_peer(peer: Peer, place: Path, steps: list[int], options: Options, record: Record) -> None:
    random, times, held = Random(7), 2 if options.quick else 5, 0
    with peer.running(place) as running, peer.asked(running) as client:
        for step in steps:
            fill(running.url, step - held)
            held = step
            known = filled(kinds(time.time_ns() // 1_000_000)[0], "v-known0", uuid_of(random))
            with Client(running.url) as sender:
                sender.ask("POST", "/v1/events", json.dumps(known, separators=(",", ":")).encode())
            if peer.by_visitor is not None and not peer.by_visitor(client, "v-known0"):
                raise CannotMeasure("what it was sent is not in its journal")
            for question, look in ((VISITOR, peer.by_visitor), (LAST, peer.last)):
                if look is None:
                    continue
                taken = []
                for _ in range(times):
                    began = time.perf_counter()
                    look(client, visitor(random.randrange(VISITORS)))
                    taken.append((time.perf_counter() - began) * 1000)
                record.series.setdefault(f"{peer.name}: {question}", []).append((float(step), median(taken)))
                if step == steps[-1]:
                    record.add(f"{question}, {step:,} recorded", peer.name, median(taken), "ms", peer.note)


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
