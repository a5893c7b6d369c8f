"""The kinds of step, each described once: what it takes, what it does, how it reads in a report and in the docs.

The loader's checks, the runner, the JSON Schema and the table of docs/writing-scenarios.md all follow from `STEPS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from optilocal.emulator.wire.faults import BREAKS, SURFACES
from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.datafile_step import DATAFILE, datafile_summary
from optilocal.scenarios.language.event_batch import EVENT_BATCH
from optilocal.scenarios.language.event_batch import summary as batch_summary
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.problems import alternatives
from optilocal.scenarios.language.shapes import (
    ANYTHING,
    ID,
    MAPPING,
    NUMBER,
    TEXT,
    WHOLE,
    Key,
    Shape,
    list_of,
    mapping_of,
    one_of,
    read_by,
)
from optilocal.scenarios.language.times import duration_ms
from optilocal.scenarios.language.yaml_nodes import NodePath


class Driver(Protocol):
    """What a step acts on while a scenario runs. Answers are notes for the report: a sentence, or None."""

    def call(self, kind: str, arguments: dict[str, Any] | None) -> None:
        """One call of the scenario's Segment source, all the way through the forwarder."""

    def decide(self, arguments: dict[str, Any]) -> str:
        """A decision by Optimizely's SDK on a flag."""

    def activate(self, arguments: dict[str, Any]) -> str:
        """A decision by Optimizely's SDK on an experiment."""

    def post_events(self, arguments: dict[str, Any] | str) -> str:
        """A program without an SDK posts an event batch to Optimizely."""

    def forget(self) -> str:
        """The source forgets who the user is."""

    def delete(self, user_id: str, regulation: str, anonymous_id: str | None) -> str:
        """A regulation at Segment."""

    def wait(self, milliseconds: int) -> None:
        """Time goes by."""

    def fail(self, rules: list[dict[str, Any]]) -> None:
        """Fault rules come into force."""

    def force(self, rule: dict[str, Any]) -> str | None:
        """One more variation is forced."""

    def change_datafile(self, change: dict[str, Any]) -> str | None:
        """The datafile changes, as assembly has resolved it: `{"whole": datafile}`, or what stands in its place."""


Run = Callable[[Driver, Any], str | None]


@dataclass(frozen=True)
class StepKind:
    """One kind of step. `says` is a sentence of what happens, `written` how the docs show it, `summary` what it did in a
    few words. `by_sdk`: Optimizely's SDK decides for the step's `user`. `sdk_polls_after`: it looks for a new datafile
    before its next decision.
    """

    says: str
    written: str
    takes: Shape
    run: Run
    summary: Callable[[Any], object] = lambda _: ""
    by_sdk: bool = False
    sdk_polls_after: bool = False
    absent_fields: bool = False
    """Whether `!absent` may stand in a field, to leave it out."""
    checks_matchers: bool = False
    """Whether `takes` itself says where a matcher may stand."""


_ATTRIBUTES = Key(MAPPING, "The user's attributes, for audiences and results.", names="attributes")
_USER = Key(ID, "The visitor's id, letter by letter; quote a number.", required=True)
_CALL_KEYS = {
    "userId": Key(ANYTHING, "In place of the one the source remembers; !absent leaves it out."),
    "anonymousId": Key(ANYTHING, "In place of the one the source remembers; !absent leaves it out."),
    "messageId": Key(ANYTHING, "In place of a new one. Optimizely gets it as the event's uuid."),
    "timestamp": Key(ANYTHING, "In place of the clock's time."),
    "context": Key(ANYTHING, "Added to the source's own context; traits in it become attributes."),
    "integrations": Key(ANYTHING, "Which destinations the event is for: {All: false} keeps it from all."),
}
_VIEW_KEYS = {
    "name": Key(ANYTHING, "The name of the page or screen."),
    "category": Key(ANYTHING, "Its category."),
    "properties": Key(ANYTHING, "Its properties."),
}
CALL_FIELDS: Mapping[str, Mapping[str, Key]] = {
    "track": {
        "event": Key(ANYTHING, "The event's name; by default also its key in Optimizely.", required=True),
        "properties": Key(ANYTHING, "revenue is in whole cents, value is any number."),
    },
    "identify": {"traits": Key(ANYTHING, "Facts about the user.")},
    "page": _VIEW_KEYS,
    "screen": _VIEW_KEYS,
    "group": {
        "groupId": Key(ANYTHING, "The group the user is in.", required=True),
        "traits": Key(ANYTHING, "Facts about the group."),
    },
    "alias": {"previousId": Key(ANYTHING, "The id so far. Default: the one the source remembers.")},
}
"""The fields of each call of a Segment source that are its own."""


def _call(kind: str, says: str, written: str, summary: Callable[[Any], object]) -> StepKind:
    takes = mapping_of(**CALL_FIELDS[kind], **_CALL_KEYS)
    if kind in ("page", "screen"):  # one may be viewed that has no name
        takes = replace(takes, or_nothing=True)
    return StepKind(
        says, written, takes, lambda driver, step: driver.call(kind, step), summary, absent_fields=True
    )


def _check_nothing(checker: Checker, path: NodePath, value: Any) -> None:
    if value not in (None, {}):
        checker.problem(path, "forget takes nothing: `- forget: {}`")


DECIDE_OPTIONS = (
    "DISABLE_DECISION_EVENT", "ENABLED_FLAGS_ONLY", "IGNORE_USER_PROFILE_SERVICE", "INCLUDE_REASONS", "EXCLUDE_VARIABLES",
    "IGNORE_CMAB_CACHE", "RESET_CMAB_CACHE", "INVALIDATE_USER_CMAB_CACHE",
)  # fmt: skip
REGULATIONS = (
    "SUPPRESS_WITH_DELETE", "DELETE_ONLY", "SUPPRESS_ONLY", "UNSUPPRESS", "DELETE_INTERNAL",
    "SUPPRESS_WITH_DELETE_INTERNAL", "DELETE_ARCHIVE_ONLY",
)  # fmt: skip
_RULE = mapping_of(
    on=Key(one_of(*SURFACES), "The surface that fails.", required=True),
    phase=Key(
        one_of("before", "after"), "before: nothing is received. after: it is, and the client hears that it failed."
    ),
    status=Key(WHOLE, "The HTTP status to answer with."),
    body=Key(TEXT),
    headers=Key(MAPPING),
    latency_ms=Key(NUMBER),
    **{"break": Key(one_of(*BREAKS), "How the connection breaks.")},
    skip=Key(WHOLE, "So many requests pass first."),
    times=Key(Shape("a whole number", (int, type(None))), "So many requests fail then; all of them when it is absent."),
    chance=Key(NUMBER, "From 0 to 1."),
    seed=Key(WHOLE, "Of the chance."),
)  # fmt: skip


def _check_rules(checker: Checker, path: NodePath, value: Any) -> None:
    rules = (
        {(*path, index): rule for index, rule in enumerate(value)}
        if isinstance(value, list)
        else {path: value}
    )
    for place, rule in rules.items():
        _RULE.check(checker, place, rule, "fault")


def _fault_summary(rules: Any) -> str:
    summaries = []
    for rule in rules if isinstance(rules, list) else [rules]:
        what = rule.get("break") or rule.get("status") or f"{rule.get('latency_ms', 0)} ms late"
        summaries.append(f"{rule['on']}: {what}" + (f" × {rule['times']}" if rule.get("times") else ""))
    return ", ".join(summaries)


STEPS: Mapping[str, StepKind] = {
    "decide": StepKind(
        "Optimizely's own Python SDK fetches the datafile from the emulator, decides on a flag, and sends what it sends. "
        "`options` are its decide options (`[DISABLE_DECISION_EVENT]`), `segments` the ODP segments the user is "
        "qualified for, as no ODP is asked.",
        "{user, flag, attributes, options, segments}",
        mapping_of(
            user=_USER,
            flag=Key(TEXT, "A flag of the datafile.", required=True, names="flag"),
            attributes=_ATTRIBUTES,
            options=Key(list_of(one_of(*DECIDE_OPTIONS), "an option"), "The SDK's decide options."),
            segments=Key(
                list_of(TEXT, "a segment"),
                "The ODP segments that the user is qualified for; nothing is asked of ODP.",
            ),
        ),
        lambda driver, step: driver.decide(step),
        lambda step: f"{step['user']} · flag {step['flag']}",
        by_sdk=True,
    ),
    "activate": StepKind(
        "The same with the SDK's `activate`; `variation` is forced through the SDK.",
        "{user, experiment, variation, attributes}",
        mapping_of(
            user=_USER,
            experiment=Key(TEXT, "An experiment of the datafile.", required=True, names="experiment"),
            variation=Key(ID, "The variation to be forced; else the SDK buckets.", names="variation"),
            attributes=_ATTRIBUTES,
        ),
        lambda driver, step: driver.activate(step),
        lambda step: (
            f"{step['user']} · {step['experiment']}"
            + (f" → {step['variation']}" if "variation" in step else "")
        ),
        by_sdk=True,
    ),
    "force": StepKind(
        "From here on the emulator serves the datafile so that SDKs show `user`, or without it everybody, this variation. "
        "It is judged by the datafile as it was.",
        "{experiment, variation, user}",
        mapping_of(
            experiment=Key(TEXT, "An experiment of the datafile.", required=True, names="experiment"),
            variation=Key(ID, "The variation to be shown.", required=True, names="variation"),
            user=Key(ID, "Whom it is shown to; absent: everybody."),
        ),
        lambda driver, step: driver.force(step),
        lambda step: f"{step['experiment']} → {step['variation']} for {step.get('user', 'everybody')}",
        sdk_polls_after=True,
    ),
    "event_batch": StepKind(
        "A program without an SDK posts this event batch to Optimizely's Event API, a text as it stands. The head of the "
        "batch, and each event's `uuid` and `timestamp`, are filled in where they are not named; `!absent` leaves a "
        "field out.",
        "{account_id, visitors, enrich_decisions, …}",
        EVENT_BATCH,
        lambda driver, step: driver.post_events(step),
        batch_summary,
        checks_matchers=True,
    ),
    "track": _call(
        "track",
        "A Segment source with the memory of analytics.js tracks an event. `userId`, `anonymousId`, `messageId`, "
        "`timestamp`, `context` and `integrations` win over the memory, here and in the calls below; "
        "`!absent` leaves a field out.",
        "{event, properties, userId, anonymousId, messageId, timestamp, context, integrations}",
        lambda step: step.get("event"),
    ),
    "identify": _call(
        "identify",
        "An identify call: the source remembers the userId from here on.",
        "{userId, traits, …}",
        lambda step: step.get("userId", "traits only"),
    ),
    "page": _call(
        "page", "A page call.", "{name, category, properties, …}", lambda step: (step or {}).get("name", "")
    ),
    "screen": _call(
        "screen", "A screen call.", "{name, category, properties, …}", lambda step: (step or {}).get("name", "")
    ),
    "group": _call(
        "group", "A group call: the source remembers the group.", "{groupId, traits, …}", lambda step: step["groupId"]
    ),
    "alias": _call(
        "alias", "An alias call.", "{userId, previousId, …}", lambda step: step.get("userId", "")
    ),
    "forget": StepKind(
        "`analytics.reset()`: a new anonymousId, no userId.",
        "{}",
        Shape("nothing", also=_check_nothing, schema={"type": ["object", "null"], "maxProperties": 0}),
        lambda driver, _: driver.forget(),
    ),
    "delete": StepKind(
        "A regulation at Segment: a deletion, a suppression, or both; `SUPPRESS_WITH_DELETE` unless another is named.",
        "{userId, anonymousId, regulation}",
        mapping_of(
            userId=Key(ID, "Whom it concerns.", required=True),
            anonymousId=Key(ANYTHING, "The anonymousId known beside it."),
            regulation=Key(one_of(*REGULATIONS), f"Default: {REGULATIONS[0]}."),
        ),
        lambda driver, step: driver.delete(
            step["userId"], step.get("regulation", REGULATIONS[0]), step.get("anonymousId")
        ),
        lambda step: step["userId"],
    ),
    "wait": StepKind(
        "Time goes by on the scenario's clock, none of yours: `300ms`, `5s`, `2m`, `4h`, `1d`, or a number of seconds.",
        "5s",
        read_by(
            duration_ms,
            "a time such as 5s",
            anyOf=[
                {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?\\s*(ms|s|m|h|d)$"},
                {"type": "number", "minimum": 0, "description": "Seconds."},
            ],
            examples=["5s", "300ms", "2m", "4h"],
        ),
        lambda driver, step: driver.wait(duration_ms(step)),
        lambda step: step,
        sdk_polls_after=True,
    ),
    "fault": StepKind(
        "From here on the emulator fails as told, on the surface `on`; a list gives several rules. "
        "See [faults](optimizely.md).",
        "{on, status, body, headers, latency_ms, break, phase, skip, times, chance, seed}",
        Shape(
            "a fault rule, or a list of them",
            also=_check_rules,
            schema={"anyOf": [_RULE.as_schema(), {"type": "array", "items": _RULE.as_schema()}]},
        ),
        lambda driver, step: driver.fail(step if isinstance(step, list) else [step]),
        _fault_summary,
        sdk_polls_after=True,
    ),
    "datafile": StepKind(
        "Another datafile: its path, the datafile itself, or a change: `{set: {path: value}}`, `{deactivated: true}`, "
        "`{missing: true}`, `{raw: text, content_type, status}`.",
        "…",
        DATAFILE,
        lambda driver, step: driver.change_datafile(step),
        datafile_summary,
        sdk_polls_after=True,
    ),
}  # fmt: skip
"""Every kind of step by its name."""


def check_steps(checker: Checker, steps: Any) -> bool:
    """Check the list of steps. False when one of them is too broken to look any further."""
    if not checker.kind(steps, ("steps",), list, "a list", "steps"):
        return False
    if not steps:
        checker.problem(("steps",), "steps is empty: a scenario needs at least one step")
    before = len(checker.problems)
    for index, step in enumerate(steps):
        path = ("steps", index)
        if not isinstance(step, dict) or len(step) != 1:
            checker.problem(
                path, "a step is one mapping with one key, for example `- track: {event: Order Completed}`"
            )
            continue
        kind, arguments = next(iter(step.items()))
        if kind in STEPS:
            _check_step(checker, (*path, kind), STEPS[kind], arguments)
        else:
            message = f"unknown step {kind!r}{alternatives(kind, STEPS)}"
            checker.problem((*path, kind), message, at_key=True)
    return len(checker.problems) == before


def _check_step(checker: Checker, path: NodePath, kind: StepKind, arguments: Any) -> None:
    name, before = str(path[-1]), len(checker.problems)
    kind.takes.check(checker, path, arguments, name)
    if len(checker.problems) > before or kind.checks_matchers:
        return
    for key, item in arguments.items() if isinstance(arguments, dict) else ():
        absent = kind.absent_fields and isinstance(item, Matcher) and item.tag == "!absent"
        if not absent and (name, key) != ("datafile", "set"):
            checker.no_matchers(item, (*path, key), name)


def docs_table() -> str:
    """The table of steps in docs/writing-scenarios.md."""
    rows = [f"| `{name}: {kind.written}` | {kind.says} |" for name, kind in STEPS.items()]
    return "\n".join(["| step | what happens |", "|---|---|", *rows])
