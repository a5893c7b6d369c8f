"""Where one visitor stands in one experiment: the first decision that counts, and the decisions set aside
with reasons.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from optilocal.emulator.batch.fields import NESTED_TAG, attribute
from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.datafile.datafile import Experiment, Variation
from optilocal.emulator.datafile.history import DatafileHistory, stood
from optilocal.emulator.wording import joined, quoted, when

ReasonCode = Literal[
    "malformed",
    "wrong_account",
    "wrong_campaign",
    "not_running",
    "holdback",
    "holdout",
    "bot",
    "unknown_variation",
]


SET_ASIDE: dict[ReasonCode, str] = {
    "malformed": "the decision does not satisfy the Event API's schema",
    "wrong_account": "the decision was sent for another account than the experiment's",
    "wrong_campaign": "the decision's campaign_id is not the experiment's layer",
    "not_running": "the experiment was not running at the decision's time",
    "holdback": "the decision is marked is_campaign_holdback",
    "holdout": "the decision comes from a holdout",
    "bot": "bot filtering is on and the decision's user agent names a bot",
    "unknown_variation": "the datafile has no such variation of the experiment",
}
"""Why a decision does not count, in general words, as the results say it."""


@dataclass(frozen=True)
class Rules:
    """Switches for the rules on which public sources conflict or are silent.

    count_after_pause: a visitor's conversions go on counting while the experiment is paused, if the visitor entered it
        while it ran. Off: the troubleshooting page wants a running experiment (docs/optimizely.md, "Counting").
    count_late_metrics: a metric that was attached late counts from all stored events. On; the older page of the same
        service says results are not computed back (rule 18).
    bot_filtering: None does as the event or the datafile says, True and False decide for all (rule 13).
    nested_tags: an event with arrays or objects among its tags counts, or is excluded ("reject"). Sources conflict, see
        docs/optimizely.md, "Event API".
    smooth_outliers: revenue far above the mean is replaced by the mean. Off, as in a new metric (rule 15).
    dedup: events are one when account, entity, uuid and timestamp are the same ("event"), or account and uuid ("uuid").
    """

    count_after_pause: bool = False
    count_late_metrics: bool = True
    bot_filtering: bool | None = None
    smooth_outliers: bool = False
    dedup: Literal["event", "uuid"] = "event"
    nested_tags: Literal["count", "reject"] = "count"


@dataclass(frozen=True)
class Reason:
    """Why a decision does not count."""

    code: ReasonCode
    message: str


class Standing(NamedTuple):
    """One visitor in one experiment.

    `first` is the earliest decision that counts and `variation` what it showed: the visitor belongs to it,
    whatever a later decision says (docs/optimizely.md, "Counting"). `others` are the variations of later
    decisions that count, `counting` all those decisions.
    """

    experiment: Experiment
    first: EventRow | None = None
    variation: Variation | None = None
    others: tuple[Variation, ...] = ()
    set_aside: tuple[tuple[EventRow, Reason], ...] = ()
    counting: tuple[EventRow, ...] = ()

    def decided_by(self, ms: int) -> bool:
        """Whether a decision that counts had been made at this time; the same millisecond is early enough."""
        return self.first is not None and event_time(self.first) <= ms

    def decided_later(self, ms: int) -> bool:
        """Whether there is a decision only after this time, be it one that counts or an excluded one."""
        later = [self.first] if self.first is not None else []
        later += [row for row, reason in self.set_aside if reason.code in ("holdback", "bot")]
        return any(event_time(row) > ms for row in later)

    def excluded_by(self, ms: int) -> tuple[Reason, ...]:
        """Why decisions up to this time that would have counted were excluded: holdback or a filtered bot."""
        return tuple(
            reason
            for row, reason in self.set_aside
            if reason.code in ("holdback", "bot") and event_time(row) <= ms
        )


class Standings:
    """One visitor's standings in all experiments, from all its decisions, whatever their order of arrival.

    `account` is the only account whose decisions count: events of different accounts never meet, for `account_id` is
    all that ties a batch to an account (docs/optimizely.md, "Accounts"). None is for datafiles of several accounts;
    `within` then gives each account's own standings.
    """

    def __init__(
        self,
        decisions: Iterable[EventRow],
        history: DatafileHistory,
        rules: Rules,
        account: str | None = None,
    ) -> None:
        self.history, self.rules = history, rules
        self.account = history.account_ids[0] if len(history.account_ids) == 1 else account
        self.decisions = tuple(sorted(decisions, key=place_in_time))
        self._by_experiment: dict[str, list[EventRow]] = {}
        for row in self.decisions:
            self._by_experiment.setdefault(row["experiment_id"] or "", []).append(row)
        self._made: dict[str, Standing] = {}
        self._within: dict[str, Standings] = {}

    def within(self, account_id: str | None) -> "Standings":
        """The standings of one account, by its own datafiles; of an event without an account these themselves."""
        if account_id is None or account_id == self.account:
            return self
        if account_id not in self._within:
            history = self.history.of_account(account_id)
            self._within[account_id] = Standings(self.decisions, history, self.rules, account_id)
        return self._within[account_id]

    def of(self, experiment: Experiment) -> Standing:
        """The standing in this experiment; an empty one when the visitor has no decision in it."""
        if experiment.id not in self._made:
            self._made[experiment.id] = self._make(experiment)
        return self._made[experiment.id]

    def settle(self, decision: EventRow) -> bool:
        """Whether one more decision changes no outcome: an earlier one counts, or it is of no experiment.

        The first of all changes one even then: its visitor has a decision from now on (`unidentified_user`).
        """
        if not self.decisions:
            return False
        for own in [self.within(account) for account in self.history.account_ids] or [self]:
            experiment = own.history.experiment(decision["experiment_id"] or "")
            if experiment is None or experiment.kind != "experiment":
                continue
            first = own.of(experiment).first
            if first is None or place_in_time(first) > place_in_time(decision):
                return False
        return True

    def all(self) -> list[Standing]:
        """The standings in every experiment that some decision names, account by account.

        Deliveries and holdouts are no experiments.
        """
        accounts = self.history.account_ids
        if len(accounts) > 1:
            return [standing for account in accounts for standing in self.within(account).all()]
        named = (self.history.experiment(experiment_id) for experiment_id in self._by_experiment)
        return [self.of(experiment) for experiment in named if experiment and experiment.kind == "experiment"]

    def _make(self, experiment: Experiment) -> Standing:
        counting: list[tuple[EventRow, Variation]] = []
        set_aside: list[tuple[EventRow, Reason]] = []
        for row in self._by_experiment.get(experiment.id, ()):
            shown = self._shown(row, experiment)
            if isinstance(shown, Reason):
                set_aside.append((row, shown))
            else:
                counting.append((row, shown))
        if not counting:
            return Standing(experiment, set_aside=tuple(set_aside))
        first, variation = counting[0]
        others = dict.fromkeys(shown for _, shown in counting if shown.id != variation.id)
        rows = tuple(row for row, _ in counting)
        return Standing(experiment, first, variation, tuple(others), tuple(set_aside), rows)

    def _shown(self, row: EventRow, experiment: Experiment) -> Variation | Reason:
        """The variation a decision shows, or why the decision does not count."""
        if row["problems"]:
            reasons = joined([note["message"] for note in row["problems"]])
            return Reason("malformed", f"the decision is malformed ({reasons})")
        if self.account is not None and row["account_id"] != self.account:
            return Reason(
                "wrong_account",
                f"the decision was sent for account {quoted(row['account_id'])}, the experiment belongs to account "
                f"{quoted(self.account)}",
            )
        now = event_time(row)
        datafile = self.history.at(now)
        then = datafile.experiment_by_id(experiment.id) if datafile else None
        if not (then or experiment).has_campaign(row["campaign_id"]):
            layer = (then or experiment).layer_id
            return Reason(
                "wrong_campaign",
                f"the decision's campaign_id is {quoted(row['campaign_id'])}, the experiment's layer is {quoted(layer)}",
            )
        if not self.history.running_at(experiment.id, now):
            was = stood(experiment, now, self.history)
            return Reason("not_running", f"the experiment {was} when the visitor entered it at {when(now)}")
        if row["holdback"]:
            return Reason("holdback", "the decision is marked is_campaign_holdback")
        if row["rule_type"] == "holdout":
            return Reason("holdout", "the decision comes from a holdout")
        if bot_filtered(row, self.history, self.rules):
            return Reason("bot", "bot filtering is on and the decision's user agent names a bot")
        variation = _variation(row, then or experiment)
        if variation is None:
            named = quoted(row["variation_id"]) if row["variation_id"] else "none"
            return Reason(
                "unknown_variation", f"the datafile has no such variation of the experiment: {named}"
            )
        return variation


def _variation(row: EventRow, experiment: Experiment) -> Variation | None:
    # Newer SDKs send null for an id that is not numeric and leave the key in the metadata.
    # Source: docs/optimizely.md, "Event API".
    if row["variation_id"]:
        return experiment.variation(row["variation_id"])
    return experiment.variation_by_key(row["variation_key"]) if row["variation_key"] else None


def place_in_time(row: EventRow) -> tuple[int, str, str]:
    """By time; what happened in one millisecond is ordered by what was sent, so that arrival does not matter."""
    return event_time(row), row["uuid"] or "", row["variation_id"] or row["variation_key"] or ""


def bot_filtered(row: EventRow, history: DatafileHistory, rules: Rules) -> bool:
    """Whether bot filtering drops this row, by its own $opt_bot_filtering, else by its time's datafile."""
    if not row["user_agent_bot"]:
        return False
    if rules.bot_filtering is not None:
        return rules.bot_filtering
    own = attribute(row["attributes"], "$opt_bot_filtering")
    if isinstance(own, bool):
        return own
    datafile = history.at(event_time(row))
    return datafile is not None and datafile.bot_filtering


def nested_tags_refused(row: EventRow, rules: Rules) -> bool:
    """Whether this event is left out for arrays or objects among its tags."""
    return rules.nested_tags == "reject" and any(item["code"] == NESTED_TAG for item in row["warnings"])
