"""Counting against a second, plain reckoning of the same rules: straight loops, no folding, nothing shared."""

from collections.abc import Sequence
from typing import Any

from field_builders import NOW, conversion, datafile, decision, experiment
from hypothesis import given
from hypothesis import strategies as st
from plain_counting import deduplicate, results

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.verdict.verdict import verdict

KEYS = ("checkout", "banner", "old")
EVENTS = ("ev-order", "ev-both", "ev-free")
SPAN = 40

statuses = st.sampled_from(["Running", "Running", "Paused"])
revision = st.builds(
    lambda status, metrics, filters: datafile(
        botFiltering=filters,
        groups=[],
        experiments=[experiment(key, value) for key, value in zip(KEYS, status, strict=True)],
        events=[
            {"id": name, "key": name, "experimentIds": [f"exp-{key}" for key in sorted(keys)]}
            for name, keys in zip(EVENTS, metrics, strict=True)
        ],
    ),
    st.tuples(statuses, statuses, statuses),
    st.tuples(*[st.sets(st.sampled_from(KEYS), min_size=size) for size in (1, 2, 0)]),
    st.booleans(),
)
visitors = st.sampled_from(["u", "v"])
times = st.integers(NOW - 10, NOW + SPAN)
uuids = st.integers(0, 60).map(str)
ACCOUNT, CAMPAIGNS = "12001", [None, "", "layer-checkout", "layer-banner"]
accounts = st.sampled_from([ACCOUNT] * 5 + ["55555"])
own_filter = st.sampled_from([[], [], [True], [False]]).map(
    lambda given: [{"key": "$opt_bot_filtering", "value": value} for value in given]
)
decisions = st.builds(
    decision,
    visitors,
    st.sampled_from([f"{key}-{letter}" for key in KEYS for letter in "ab"]),
    times,
    uuid=uuids,
    account_id=accounts,
    holdback=st.sampled_from([False, False, False, True]),
    user_agent_bot=st.sampled_from([False, False, False, True]),
    attributes=own_filter,
)
conversions = st.builds(
    conversion,
    visitors,
    st.sampled_from(EVENTS),
    times,
    uuid=uuids,
    account_id=accounts,
    revenue=st.none() | st.integers(-5, 100),
    user_agent_bot=st.sampled_from([False, False, False, True]),
    attributes=own_filter,
)
# No two at one time: which of two simultaneous decisions came first is nobody's rule.
events = st.lists(decisions | conversions, min_size=8, max_size=20, unique_by=lambda row: row["timestamp"])
# Some of them come again.
arrivals = st.tuples(events, st.lists(st.integers(0, 7), max_size=4)).map(
    lambda drawn: drawn[0] + [dict(drawn[0][again]) for again in drawn[1]]
)


class Reckoning:
    """The rules of counting once more, as one would do them with a pencil."""

    def __init__(self, rows: Sequence[Any], revisions: Sequence[dict[str, Any]]) -> None:
        self.revisions = revisions
        self.rows: list[Any] = []
        for row in rows:
            if self.key(row) not in [self.key(kept) for kept in self.rows]:
                self.rows.append(row)

    @staticmethod
    def key(row: Any) -> tuple[Any, ...]:
        return row["account_id"], row["entity_id"] or row["key"], row["uuid"], row["timestamp"]

    def at(self, ms: int) -> dict[str, Any]:
        return self.revisions[1] if len(self.revisions) > 1 and ms >= NOW + SPAN // 2 else self.revisions[0]

    def runs(self, key: str, ms: int) -> bool:
        return any(e["key"] == key and e["status"] == "Running" for e in self.at(ms)["experiments"])

    def bot(self, row: Any) -> bool:
        own = [attribute["value"] for attribute in row["attributes"]]
        return bool(row["user_agent_bot"] and (own or [self.at(row["timestamp"])["botFiltering"]])[0])

    def decided(self, visitor: str, key: str) -> list[Any]:
        """The visitor's decisions in an experiment that ran then, earliest first."""
        found = [
            row
            for row in self.rows
            if row["kind"] == "decision"
            and (row["visitor_id"], row["experiment_id"]) == (visitor, f"exp-{key}")
            and row["account_id"] == ACCOUNT
            and row["campaign_id"] in (None, "", f"layer-{key}")
        ]
        running = [row for row in found if self.runs(key, row["timestamp"])]
        return sorted(running, key=lambda row: row["timestamp"])

    def first(self, visitor: str, key: str) -> Any:
        """The first decision that counts, or None."""
        good = [row for row in self.decided(visitor, key) if not row["holdback"] and not self.bot(row)]
        return good[0] if good else None

    def outcome(self, row: Any) -> tuple[str, list[str]]:
        """The outcome of a conversion, and the variations it counts in."""
        visitor, now = row["visitor_id"], row["timestamp"]
        listed = [e["experimentIds"] for e in self.revisions[-1]["events"] if e["id"] == row["entity_id"]]
        metrics = [key for key in KEYS if f"exp-{key}" in listed[0]]
        running = [key for key in metrics if self.runs(key, now)]
        decided = [found["timestamp"] for key in running for found in self.decided(visitor, key)]
        firsts = [self.first(visitor, key) for key in running]
        entered = [first["variation_id"] for first in firsts if first and first["timestamp"] <= now]
        if row["account_id"] != ACCOUNT:
            return "wrong_account", []
        if not metrics:
            return "no_experiment", []
        if not running:
            return "experiment_not_running", []
        if not decided:
            return "user_not_activated", []
        if min(decided) > now:
            return "activated_too_late", []
        if not entered or self.bot(row):
            return "excluded", []
        return "counted", sorted(entered)


def _with_campaign(rows: Any, campaigns: Any) -> Any:
    """Some decisions name another campaign than their experiment's, or none."""
    return [
        {**row, "campaign_id": CAMPAIGNS[pick]} if row["kind"] == "decision" and pick is not None else row
        for row, pick in zip(rows, campaigns, strict=False)
    ]


picks = st.lists(st.sampled_from([None, None, None, 0, 1, 2, 3]), min_size=20, max_size=20)


@given(st.builds(_with_campaign, arrivals, picks), st.lists(revision, min_size=1, max_size=2))
def test_outcomes_and_results_are_those_of_a_plain_reckoning(rows, revisions):
    past = DatafileHistory([(NOW + index * SPAN // 2, given) for index, given in enumerate(revisions)])
    reckoning = Reckoning(rows, revisions)
    expected: dict[str, dict[str, list[Any]]] = {}
    kept = deduplicate(rows)
    for row in kept:
        if row["kind"] == "conversion":
            known = [r for r in kept if r["kind"] == "decision" and r["visitor_id"] == row["visitor_id"]]
            found = verdict(None, row, decisions=known, history=past)
            credited = sorted(place["variation_id"] for place in found["attributed_to"])
            assert (found["outcome"], credited) == reckoning.outcome(row)
            for variation in credited:
                expected.setdefault(variation, {}).setdefault(row["entity_id"] or "", []).append(row)
    for shown in results(rows, past, Rules())["experiments"].values():
        for variation in shown["variations"].values():
            entered = [reckoning.first(visitor, shown["id"][4:]) for visitor in ("u", "v")]
            assert variation["visitors"] == sum(
                first is not None and first["variation_id"] == variation["id"] for first in entered
            )
            for event_id, metric in variation["metrics"].items():
                counted = expected.get(variation["id"], {}).get(event_id, [])
                assert metric["total"] == len(counted)
                assert metric["unique"] == len({row["visitor_id"] for row in counted})
                assert metric["revenue"] == sum(row["revenue"] or 0 for row in counted)
