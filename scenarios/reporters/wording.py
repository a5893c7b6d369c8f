"""What reports have in common: which scenarios failed, both sides of a difference, its verdict, the page on an outcome."""

from typing import Any

from optilocal.scenarios.language.matchers import as_text

_LONGEST = 300


def side(value: Any) -> str:
    """One side of a difference as JSON, a matcher as it is written; cut when it is long."""
    text = as_text(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def sides(difference: dict[str, Any]) -> list[tuple[str, str]]:
    """`[("expected", "…"), ("captured", "…")]`, without a side that is not there."""
    return [(name, side(difference[name])) for name in ("expected", "captured") if name in difference]


def verdict_of(difference: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any] | None:
    """The verdict on the event that the difference is about, None where it is about no single event."""
    index = difference["verdict"]
    return None if index is None else dict(entry["verdicts"][index])


def failures(run: dict[str, Any]) -> list[dict[str, Any]]:
    """The scenarios that did not hold or could not run, in the order of the run."""
    return [entry for entry in run["scenarios"] if entry["status"] in ("failed", "error")]


def page_of(outcome: str) -> str:
    """The section of the documentation on an outcome."""
    return f"docs/outcomes.md#{outcome}"
