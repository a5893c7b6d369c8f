"""Running totals against totals counted at once, for any events in any order, however few visitors are kept."""

from typing import Any

import pytest
from field_builders import NOW, SECOND, conversion, datafile, decision
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.results import totals
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.projection.tally import Tally

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["decide a", "decide b", "hold back", "hold out", "malformed", "buy", "sign up", "bot"]
        ),
        st.sampled_from(["u-1", "u-2", "u-3"]),
        st.integers(0, 6),
    ),
    max_size=30,
)


def made(step: tuple[str, str, int], number: int) -> EventRow:
    what, visitor, second = step
    at = NOW + second * SECOND
    row: Any
    if what in ("buy", "sign up", "bot"):
        row = conversion(visitor, at=at)
        row |= {"revenue": 100 * number, "value": 0.1 * number, "user_agent_bot": what == "bot"}
    else:
        shown = {"decide b": "checkout-b", "hold out": "kept_out-a"}.get(what, "checkout-a")
        row = decision(visitor, shown, at, rule_type="holdout" if what == "hold out" else None)
        row["holdback"] = what == "hold back"
        if what == "malformed":
            row["problems"] = [{"code": "no", "message": "no"}]
    return {**row, "uuid": f"e-{number}", "number": number}


@pytest.mark.parametrize("kept", [0, 1, 50])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_totals_brought_further_are_those_counted_at_once(
    monkeypatch: pytest.MonkeyPatch, kept: int, steps: list[tuple[str, str, int]]
) -> None:
    monkeypatch.setattr("optilocal.emulator.projection.tally._KEPT_VISITORS", kept)
    history = DatafileHistory({"sdk-1": [(0, datafile(botFiltering=True))]})
    rows = [made(step, number) for number, step in enumerate(steps, start=1)]
    tally = Tally(history, Rules(), (0, None, 0), since=1)
    for index, row in enumerate(rows):
        known = rows[: index + 1]
        tally.add(
            row, index + 1, lambda visitor, known=known: [r for r in known if r["visitor_id"] == visitor]
        )  # type: ignore[misc]
        assert tally.totals.results(history) == totals(known, history, Rules()).results(history)
