"""Steps of a failed scenario that did not do what they say, such as a `decide` that decided nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

_ABOUT_DECISIONS = ("user_not_activated", "unidentified_user", "activated_too_late")
"""The outcomes whose remedy asks for a decision."""


def undone(
    steps: Sequence[Mapping[str, Any]],
    users: Mapping[int, str],
    differences: Sequence[Mapping[str, Any]],
    verdicts: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The steps with a `problem` that the differences may come from: `[{"step", "line", "message"}]`.

    A difference of one event leads to the steps of its own visitor, any other difference to all. `users` is the user of
    each `decide` and `activate` by the step's index.
    """
    anybody = any(difference["verdict"] is None for difference in differences)
    people: set[str] = set()
    for difference in differences:
        people |= set() if anybody else _people(verdicts[difference["verdict"]])
    return [
        {"step": step["index"], "line": step["line"], "message": step["problem"]}
        for step in steps
        if step.get("problem") and (anybody or users.get(step["index"]) in people)
    ]


def without_blame(
    verdict: dict[str, Any], problems: Sequence[Mapping[str, Any]], users: Mapping[int, str]
) -> dict[str, Any]:
    """The verdict with a remedy that leads to the step that decided nothing, where it asks for that very decision."""
    if verdict["outcome"] not in _ABOUT_DECISIONS:
        return verdict
    for problem in problems:
        if users.get(problem["step"]) in _people(verdict):
            step = f"step {problem['step'] + 1} (line {problem['line']})"
            remedy = f"See first why {step} did not do what it says: {problem['message']}."
            return {**verdict, "remedy": remedy}
    return verdict


def _people(verdict: Mapping[str, Any]) -> set[str]:
    return {verdict[name] for name in ("visitor_id", "user_id", "anonymous_id") if verdict.get(name)}
