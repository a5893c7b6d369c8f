"""Comparing: captured with expected events, one in a hundred changed, in any order; beside DeepDiff over ordered lists."""

from __future__ import annotations

import copy
import sys
import time
from random import Random
from typing import Any

from bench.batches import filled, kinds, uuid_of, visitor
from bench.figures import median, ratio
from bench.options import Options, main
from bench.process import CannotMeasure
from bench.record import Goal, Record

NAME = "compare"
OURS, DEEPDIFF = "optilocal, in any order", "DeepDiff, both in order"


def measure(options: Options, record: Record) -> None:
    """The same lists for both, but ours shuffled; DeepDiff once, for it takes long."""
    from deepdiff import DeepDiff  # noqa: PLC0415

    from optilocal.scenarios.comparing.compare import compare_unordered  # noqa: PLC0415

    count = 1_000 if options.quick else 10_000
    random = Random(7)
    captured = [_event(random) for _ in range(count)]
    expected = copy.deepcopy(captured)
    changed = random.sample(range(count), count // 100)
    for index in changed:
        _first(expected[index])["timestamp"] += 1
    shuffled = random.sample(captured, count)
    taken = []
    for _ in range(options.rounds):
        began = time.process_time()
        found = compare_unordered(expected, shuffled, (), whole=True)
        taken.append(time.process_time() - began)
        if len(found) != len(changed):
            raise CannotMeasure(f"{len(changed)} events differ and {len(found)} differences were found")
    began = time.process_time()
    differences = DeepDiff(expected, captured)
    theirs = time.process_time() - began
    if len(differences["values_changed"]) != len(changed):
        raise CannotMeasure("DeepDiff found another number of differences")
    what, note = f"comparing {count:,} with {count:,} events", "processor time; 1 % changed"
    record.add(what, OURS, median(taken), "s", note)
    record.add(what, DEEPDIFF, theirs, "s", note)
    record.goals.append(Goal(f"{what}, by DeepDiff's", ratio(median(taken), theirs), 0.03))


def _event(random: Random) -> dict[str, Any]:
    """A whole event batch, as a scenario's `received` has it."""
    return filled(random.choice(_KINDS), visitor(random.randrange(5_000)), uuid_of(random))


_KINDS = kinds(1_795_436_797_720)


def _first(batch: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = batch["visitors"][0]["snapshots"][0]["events"][0]
    return found


if __name__ == "__main__":
    sys.exit(main(NAME, measure))
