"""What tells one rule from another with the same key: rule keys are unique within a flag, not within a project."""

from optilocal.emulator.datafile.datafile import Experiment
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.sdk_demands import told_status
from optilocal.emulator.wording import listed, quoted


def named(rule: Experiment, history: DatafileHistory) -> str:
    """A rule as sentences name it: `"ab_rule"`, and where others have its key `"ab_rule" of the flag "meals"`."""
    others = [other for other in history.namesakes(rule.key) if other.id != rule.id]
    if not others:
        return quoted(rule.key)
    flags = history.flags(rule.id)
    if flags and all(set(flags).isdisjoint(history.flags(other.id)) for other in others):
        return f"{quoted(rule.key)} of the {'flag' if len(flags) == 1 else 'flags'} {listed(flags)}"
    if rule.environment and all(rule.environment != other.environment for other in others):
        return f"{quoted(rule.key)} of the environment {quoted(rule.environment)}"
    return f"{quoted(rule.key)} (id {rule.id})"


def suffixes(rule: Experiment, history: DatafileHistory) -> tuple[str | None, ...]:
    """What a rule's key is followed by where another one with that key comes first: flag, else environment, else id."""
    others = [other for other in history.namesakes(rule.key) if other.id != rule.id]
    flags = history.flags(rule.id)
    of_its_own = flags and all(set(flags).isdisjoint(history.flags(other.id)) for other in others)
    return (flags[0] if of_its_own else None, rule.environment, rule.id)


def stood(rule: Experiment, ms: int, history: DatafileHistory) -> str:
    """What a rule that did not run was at this time (epoch milliseconds), to follow its name: `was Paused`."""
    datafile = history.at(ms)
    then = datafile.experiment_by_id(rule.id) if datafile else None
    if then is None:
        no_longer = history.listed_before(rule.id, ms)
        return "was no longer in the datafile" if no_longer else "was not yet in the datafile"
    return told_status(then.status)
