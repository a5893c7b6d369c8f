"""Forced variations: the datafile that is served is rewritten, so that every SDK shows one user, or everybody, a variation.

What is judged and counted is judged by the datafile as it was set. LaunchDarkly's dev server and Optimizely's own allowlist
(`forcedVariations`) work alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile, is_running
from optilocal.emulator.datafile.nearest import nearest
from optilocal.emulator.datafile.problems import experiment_lists
from optilocal.emulator.datafile.store import STORED, touched
from optilocal.emulator.journal.documents import Documents
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.problems import Problem

KIND = "forced"
_KEYS = ("experiment", "variation", "user")
_WHOLE_RANGE = 10_000

Rule = dict[str, Any]


def read_rules(body: object, datafile: Datafile | None) -> list[Rule]:
    """`[{"experiment", "variation", "user"?}, …]` by key or id → rules with keys and ids. Raises Problem.

    Of two rules for the same experiment and user the later holds.
    """
    items = body if isinstance(body, list) else [body]
    rules: dict[tuple[str, str | None], Rule] = {}
    for index, item in enumerate(items):
        where = f"rule [{index}]: " if len(items) > 1 else ""
        try:
            rule = _read(item, datafile)
        except Problem as error:
            raise Problem("invalid_forced", f"{where}{error}") from None
        rules.pop((rule["experiment_id"], rule["user"]), None)
        rules[rule["experiment_id"], rule["user"]] = rule
    return list(rules.values())


def _read(item: object, datafile: Datafile | None) -> Rule:
    if not isinstance(item, dict) or set(item) - set(_KEYS):
        raise Problem(
            "invalid_forced",
            'a rule is {"experiment", "variation", "user"?}; without user it holds for everybody',
        )
    user = item.get("user")
    if not isinstance(user, str | None) or user == "":
        raise Problem("invalid_forced", '"user" is a text, or absent for everybody')
    known = [rule for rule in datafile.experiments if rule.kind == "experiment"] if datafile else []
    experiment = _named(item.get("experiment"), known, "experiment")
    variation = _named(item.get("variation"), experiment.variations, f"variation of {experiment.key!r}")
    if user is not None and experiment.bandit_attributes is not None:
        raise Problem(
            "invalid_forced",
            f"{experiment.key!r} is a contextual bandit: SDKs look at no allowlist there; force it for everybody, or set "
            "what is predicted with PUT /_emulator/predictions",
        )
    return {
        "experiment": experiment.key,
        "variation": variation.key,
        "user": user,
        "experiment_id": experiment.id,
        "variation_id": variation.id,
    }


def _named(name: object, known: Sequence[Any], what: str) -> Any:
    matches = [one for one in known if name in (one.key, one.id)]
    if matches:
        return matches[0]
    keys = [one.key for one in known]
    near = nearest(name, keys, 1) if isinstance(name, str) else []
    there = f"did you mean {near[0].name!r}?" if near else f"there are {', '.join(keys[:20]) or 'none'}"
    raise Problem("invalid_forced", f"the datafile has no {what} {name!r:.100}; {there}")


def warnings_of(rules: Iterable[Rule], datafile: Datafile | None) -> list[str]:
    """What keeps a rule from showing, one sentence each."""
    experiments = [datafile.experiment_by_id(rule["experiment_id"]) for rule in rules if datafile]
    return [
        f"The experiment {each.key!r} is {each.status!r}: SDKs enter nobody into it, forced or not."
        for each in experiments
        if each is not None and not is_running(each)
    ]


class Forced:
    """The forced variations of one namespace: those now, and since when which ones were."""

    def __init__(self, journal: Journal, namespace: str) -> None:
        self._journal, self._namespace = journal, namespace
        self._log: list[dict[str, Any]] = [doc for _, _, doc in journal.documents(KIND, namespace)]

    @property
    def rules(self) -> list[Rule]:
        """Those in force."""
        return list(self._log[-1]["rules"]) if self._log else []

    @property
    def ever(self) -> bool:
        """Whether any was in force at any time."""
        return any(entry["rules"] for entry in self._log)

    def put(self, rules: Sequence[Rule], now: int) -> None:
        """From now on these and no others; every datafile is served anew."""

        def put(documents: Documents) -> None:
            documents.add(KIND, lambda number: {"from": now, "rules": list(rules), "number": number})
            for _, key, state in self._journal.documents(STORED, self._namespace):
                touched(documents, key, now, state)

        if list(rules) != self.rules:
            self._journal.transact(self._namespace, put)

    def at(self, experiment_id: str, user: str | None, ms: int) -> Rule | None:
        """The rule by which this user was shown a variation at a time; one of its own before one for everybody."""
        held: list[Rule] = next((entry["rules"] for entry in reversed(self._log) if entry["from"] <= ms), [])
        meant = [rule for rule in held if rule["experiment_id"] == experiment_id]
        own = [rule for rule in meant if rule["user"] == user and user is not None]
        return next(iter([*own, *(rule for rule in meant if rule["user"] is None)]), None)

    def served(self, text: str) -> str:
        """The datafile to be served in the place of this one."""
        if not self.rules:
            return text
        return dumps(with_forced(loads(text), self.rules, self._log[-1]["number"]))


def with_forced(datafile: dict[str, Any], rules: Sequence[Rule], number: int) -> dict[str, Any]:
    """The datafile rewritten in place: `number` makes its revision one that no SDK has yet."""
    datafile["revision"] = f"{datafile.get('revision')}-forced-{number}"
    experiments = [
        item for _, items, kind in experiment_lists(datafile) if kind == "experiment" for item in items
    ]
    # Rules for one user stay above those for everybody, whatever came first.
    for rule in sorted(rules, key=lambda rule: rule["user"] is not None):
        for item in experiments:
            if str(item.get("id")) != rule["experiment_id"]:
                continue
            if rule["user"] is None:
                _for_everybody(item, rule)
            else:
                forced = item.get("forcedVariations") or {}
                item["forcedVariations"] = {**forced, rule["user"]: rule["variation"]}
    everybody = {rule["experiment_id"] for rule in rules if rule["user"] is None}
    if everybody:
        _out_of_the_way(datafile, everybody)
    return datafile


def _for_everybody(item: dict[str, Any], rule: Mapping[str, Any]) -> None:
    item["trafficAllocation"] = [{"entityId": rule["variation_id"], "endOfRange": _WHOLE_RANGE}]
    item["audienceIds"], item["forcedVariations"] = [], {}
    item.pop("audienceConditions", None)
    # A contextual bandit would ask the prediction service; without this it is bucketed like any other rule.
    item.pop("cmab", None)


def _out_of_the_way(datafile: dict[str, Any], experiment_ids: set[str]) -> None:
    """Holdouts keep nobody out, and a group lets everybody into the experiment."""
    for key in ("holdouts", "localHoldouts"):
        for holdout in datafile.get(key) or ():
            holdout["trafficAllocation"] = []
    for group in datafile.get("groups") or ():
        inside = [item for item in group.get("experiments") or () if str(item.get("id")) in experiment_ids]
        if inside and group.get("policy") == "random":
            group["trafficAllocation"] = [{"entityId": inside[0]["id"], "endOfRange": _WHOLE_RANGE}]
