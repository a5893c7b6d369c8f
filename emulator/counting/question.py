"""What a request asks of the results: our own surface's parameters, and those of Optimizely's REST API."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from optilocal.emulator.counting.date_range import DateRangeError, read_range
from optilocal.emulator.counting.recount import Question
from optilocal.emulator.counting.sample_ratio import THRESHOLD
from optilocal.emulator.counting.segmentation import Segment
from optilocal.emulator.problems import Problem

_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
_OWN = ("attribute", "value", "smoothing", "start_time", "end_time", "funnel", "health", "srm_threshold")
# Parameters of the real API that would change the figures and are not imitated.
_NOT_HERE = ("browser", "device", "source", "segment_conditions")


class QuestionError(ValueError):
    """A REST parameter that cannot be used: its name, and what is wrong with it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name} {message}")
        self.name, self.message = name, message


class OwnQuestion(NamedTuple):
    """What is asked of our own surface: of which part the counts are, whether funnels and health are told, and the p-value
    below which a sample ratio is a mismatch.
    """

    question: Question
    funnel: bool = False
    health: bool = False
    srm_threshold: float = THRESHOLD


def own_question(parameters: Mapping[str, str], smoothing: bool) -> OwnQuestion:
    """The question of `GET /_emulator/results`; `smoothing` is the emulator's setting. Raises Problem."""
    unknown = sorted(set(parameters) - set(_OWN))
    if unknown:
        known = ", ".join(_OWN)
        raise Problem("invalid_parameter", f"results know no parameter {unknown[0]!r:.60}; known are {known}")
    if ("attribute" in parameters) != ("value" in parameters) or parameters.get("attribute") == "":
        raise Problem("invalid_parameter", "a segment is asked for with both attribute=KEY and value=VALUE")
    smoothed = _yes(parameters, "smoothing", default=smoothing)
    try:
        dates = read_range(parameters.get("start_time"), parameters.get("end_time"))
    except DateRangeError as error:
        raise Problem("invalid_parameter", str(error)) from None
    segment = Segment(parameters["attribute"], parameters["value"]) if "attribute" in parameters else None
    question, health = Question(dates, segment, smoothed), _yes(parameters, "health", default=False)
    # Health is told from the funnel too.
    funnel = _yes(parameters, "funnel", default=False) or health
    if funnel and not question.is_whole:
        why = "funnel and health are told of all that was recorded, not of a segment or a range"
        raise Problem("invalid_parameter", why)
    return OwnQuestion(question, funnel, health, _threshold(parameters.get("srm_threshold")))


def _yes(parameters: Mapping[str, str], name: str, *, default: bool) -> bool:
    wanted = parameters.get(name, "yes" if default else "no").lower()
    if wanted not in _YES + _NO:
        raise Problem("invalid_parameter", f"{name} must be yes or no, not {parameters[name]!r:.40}")
    return wanted in _YES


def _threshold(text: str | None) -> float:
    try:
        threshold = THRESHOLD if text is None else float(text)
    except ValueError:
        threshold = math.nan
    if not 0 < threshold < 1:
        raise Problem(
            "invalid_parameter", f"srm_threshold must be a number between 0 and 1, not {text!r:.40}"
        )
    return threshold


def holdout_question(parameters: Mapping[str, str], smoothing: bool) -> Question:
    """The question of a holdout's export, which takes a segment and no dates. Raises QuestionError."""
    for name in ("start_time", "end_time"):
        if name in parameters:
            raise QuestionError(name, "is not a parameter of a holdout's results")
    return rest_question(parameters, smoothing)


def rest_question(parameters: Mapping[str, str], smoothing: bool) -> Question:
    """The question of `GET /v2/experiments/<id>/results`. Raises QuestionError."""
    for name in _NOT_HERE:
        if name in parameters:
            raise QuestionError(
                name, "is not imitated here; segments are made with attribute_id and attribute_value"
            )
    for name, other in (("attribute_id", "attribute_value"), ("attribute_value", "attribute_id")):
        if name in parameters and other not in parameters:
            raise QuestionError(other, f"must be present when {name} is")
    try:
        dates = read_range(parameters.get("start_time"), parameters.get("end_time")).rounded()
    except DateRangeError as error:
        raise QuestionError(error.name, error.message) from None
    asked = "attribute_id" in parameters
    segment = Segment(parameters["attribute_id"], parameters["attribute_value"]) if asked else None
    return Question(dates, segment, smoothing)
