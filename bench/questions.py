"""Questions: how long the answers take that people wait for, with a hundred thousand recorded events and a million."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from random import Random

from bench import ours, wiremock
from bench.batches import EXPERIMENT, VISITORS, filled, kinds, uuid_of, visitor
from bench.client import Client
from bench.delivery import report
from bench.figures import median
from bench.load import fill
from bench.options import Options, folder, main
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
    """One emulator, filled step by step, each question asked of it at each step; then WireMock likewise."""
    steps = [options.recorded, 1_000_000] if options.million else [options.recorded]
    # Nothing that is asked for may have been dropped.
    kept = ("--max-events", str(2 * steps[-1]))
    with folder() as place, ours.emulator(place, *kept) as running:
        sender = Sender(running.url)
        with Client(running.url) as client:
            for step in steps:
                sender.fill_to(step, client)
                for question, found in asked(sender, client, 5 if options.quick else 31).items():
                    _tell(record, question, found, step)
    try:
        _ask_wiremock(options, record)
    except CannotMeasure as error:
        record.said.append(f"{wiremock.NAME}: {error}")


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


class Sender:
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


def asked(sender: Sender, client: Client, times: int) -> dict[str, float]:
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


def _ask_wiremock(options: Options, record: Record) -> None:
    """The two questions that it has an answer to."""
    random, times = Random(7), 2 if options.quick else 5
    with folder() as place, wiremock.running(place) as running, Client(running.url) as client:
        fill(running.url, options.recorded)
        looks: dict[str, Callable[[], int]] = {
            VISITOR: lambda: wiremock.find(client, f'"visitor_id":"{visitor(random.randrange(VISITORS))}"'),
            LAST: lambda: wiremock.last(client),
        }
        for question, look in looks.items():
            taken = []
            for _ in range(times):
                began = time.perf_counter()
                look()
                taken.append((time.perf_counter() - began) * 1000)
            what = f"{question}, {options.recorded:,} recorded"
            record.add(what, wiremock.NAME, median(taken), "ms", wiremock.NOTE)


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
