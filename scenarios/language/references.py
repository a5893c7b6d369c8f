"""Every name that a scenario takes from the datafile is there: flags, experiments, variations, attributes, events."""

from collections.abc import Iterable
from typing import Any

from optilocal.emulator.counting.health import CHECKS
from optilocal.emulator.datafile.sdk_demands import HOLDOUT_STATUSES, STATUSES
from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.names import Names
from optilocal.scenarios.language.problems import alternatives, listed, meant
from optilocal.scenarios.language.steps import STEPS
from optilocal.scenarios.language.yaml_nodes import NodePath

REQUEST_STATUSES = ("pending", "processing", "completed", "failure")
"""Of a subject access request: https://docs.developers.optimizely.com/feature-experimentation/reference/subject-access-requests."""
METRIC_FIELDS = ("unique", "total", "revenue", "value")
_RESERVED = "$opt_"
"""Attributes of Optimizely's own, such as $opt_bucketing_id, which no datafile lists."""


def check_step(checker: Checker, path: NodePath, kind: str, arguments: Any, names: Names) -> None:
    """What one step names is in the datafile that holds at that step."""
    keys = STEPS[kind].takes.keys
    for key in keys if keys is not None and isinstance(arguments, dict) else ():
        if key not in arguments or not keys or not keys[key].names:
            continue
        place = (*path, key)
        match keys[key].names:
            case "flag":
                _known(checker, place, "flag", arguments[key], names.flags)
            case "experiment":
                _known(checker, place, "experiment", arguments[key], names.activated)
            case "variation":
                _variation(checker, place, arguments["experiment"], arguments[key], names)
            case "attributes":
                for name in arguments[key]:
                    if not name.startswith(_RESERVED):
                        _known(checker, (*place, name), "attribute", name, names.attributes, at_key=True)


def check_changes(checker: Checker, path: NodePath, changes: dict[str, Any]) -> None:
    """A status that `datafile: {set: …}` writes is one of Optimizely's."""
    for name, value in changes.items():
        if not name.endswith(".status") or isinstance(value, Matcher):
            continue
        known = HOLDOUT_STATUSES if "oldouts" in name else STATUSES
        if value not in known:
            message = f"an experiment has no status {value!r}{alternatives(value, known)}"
            checker.problem((*path, name), message)


def check_tracks(checker: Checker, tracks: Any, count: int) -> None:
    """`tracks` has no item more than there are track steps."""
    if isinstance(tracks, list) and len(tracks) > count:
        steps = "no track step" if count == 0 else "1 track step" if count == 1 else f"{count} track steps"
        message = (
            f"the scenario has {steps}, and this is item {count + 1} of tracks; remove it, or add the step"
        )
        checker.problem(("expect", "tracks", count), message)


def check_conversions(checker: Checker, conversions: Any, batches: int) -> None:
    """`conversions` names none where nothing is posted that could carry one."""
    if isinstance(conversions, list) and conversions and not batches:
        message = "the scenario has no event_batch step, which could post a conversion; what track steps send is in tracks"
        checker.problem(("expect", "conversions"), message)


def check_expectations(checker: Checker, expect: dict[str, Any], names: Names) -> None:
    """What is expected of results and attributions is in one of the datafiles that the scenario brings."""
    path: NodePath = ("expect",)
    for part in ("tracks", "conversions"):
        verdicts = expect.get(part)
        for index, verdict in enumerate(verdicts if isinstance(verdicts, list) else ()):
            attributed = verdict.get("attributed_to") if isinstance(verdict, dict) else None
            if attributed is not None:
                _attributions(checker, (*path, part, index, "attributed_to"), attributed, names)
    results = expect.get("results")
    for experiment, variations in results.items() if isinstance(results, dict) else ():
        place = (*path, "results", experiment)
        if not _rule(checker, place, experiment, names, at_key=True) or not isinstance(variations, dict):
            continue
        for variation, figures in variations.items():
            _variation(checker, (*place, variation), experiment, variation, names, at_key=True)
            if isinstance(figures, dict):
                _figures(checker, (*place, variation), figures, names.events)
    health = expect.get("health")
    for experiment, checks in health.items() if isinstance(health, dict) else ():
        place = (*path, "health", experiment)
        if _rule(checker, place, experiment, names, at_key=True) and isinstance(checks, dict):
            checker.keys(checks, place, ("status", *CHECKS), "health")
    requests = expect.get("subject_access_requests")
    for index, request in enumerate(requests if isinstance(requests, list) else ()):
        status = request.get("status") if isinstance(request, dict) else None
        if isinstance(status, str) and status not in REQUEST_STATUSES:
            where = (*path, "subject_access_requests", index, "status")
            known = alternatives(status, REQUEST_STATUSES)
            checker.problem(where, f"a subject access request has no status {status!r}{known}")


def _attributions(checker: Checker, path: NodePath, attributed: Any, names: Names) -> None:
    items = attributed.argument if isinstance(attributed, Matcher) else attributed
    for index, item in enumerate(items if isinstance(items, list) else ()):
        place = path if isinstance(attributed, Matcher) else (*path, index)
        if not isinstance(item, dict):
            continue
        checker.keys(
            item, place, ("experiment", "variation", "experiment_id", "variation_id"), "attributed_to"
        )
        experiment, variation = item.get("experiment"), item.get("variation")
        if not isinstance(experiment, str):
            continue
        if _rule(checker, (*place, "experiment"), experiment, names) and isinstance(variation, str):
            _variation(checker, (*place, "variation"), experiment, variation, names)


def _figures(checker: Checker, path: NodePath, figures: dict[str, Any], events: frozenset[str]) -> None:
    for name, metric in figures.items():
        if name == "visitors":
            continue
        if name not in events:
            known = meant(name, [*events, "visitors"]) or f"; there are visitors and {listed(events)}"
            checker.problem((*path, name), f"the datafile has no event {name!r}{known}", at_key=True)
        elif isinstance(metric, dict):
            checker.keys(metric, (*path, name), METRIC_FIELDS, name)


def _rule(checker: Checker, path: NodePath, key: str, names: Names, *, at_key: bool = False) -> bool:
    # Of two with the same key the results name the second one `key (id)`.
    return key.split(" (", maxsplit=1)[0] in names.experiments or _known(
        checker, path, "experiment", key, names.experiments, at_key=at_key
    )


def _variation(
    checker: Checker, path: NodePath, experiment: str, variation: Any, names: Names, *, at_key: bool = False
) -> None:
    known = names.experiments.get(experiment, frozenset())
    if (
        experiment in names.experiments
        and variation not in known
        and str(variation).split(" (")[0] not in known
    ):
        message = f"the experiment {experiment!r} has no variation {variation!r}"
        checker.problem(
            path, message + (meant(variation, known) or f"; there are {listed(known)}"), at_key=at_key
        )


def _known(
    checker: Checker, path: NodePath, what: str, name: Any, known: Iterable[str], *, at_key: bool = False
) -> bool:
    known = frozenset(known)
    if name in known:
        return True
    others = meant(name, known) or f"; there are {listed(known)}"
    checker.problem(path, f"the datafile has no {what} {name!r}{others}", at_key=at_key)
    return False
