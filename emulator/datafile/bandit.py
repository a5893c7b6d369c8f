"""Contextual bandits: what is predicted for a visitor, by a test's table or by a fixed draw, and what was predicted."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optilocal.emulator.batch.row import EventRow, Note, note
from optilocal.emulator.datafile.datafile import Datafile, Experiment, Variation
from optilocal.emulator.datafile.nearest import nearest
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.wording import listed, quoted

TABLE, SERVED = "prediction table", "prediction"
"""Kinds of documents: a bandit's table by the rule's id, and what was predicted by the uuid that the SDK asked with."""
NOT_SERVED, DIFFERS = "prediction_not_served", "prediction_differs"
MAX_ROWS = 1000


class PredictionError(ValueError):
    """A table that cannot be used; the text is one line that names the row and what is wrong there."""


def bandit(datafile: Datafile | None, named: str) -> Experiment | None:
    """The contextual bandit of this id or key, or None."""
    rules = datafile.experiments if datafile else ()
    bandits = [rule for rule in rules if rule.bandit_attributes is not None]
    by_id = [rule for rule in bandits if rule.id == named]
    return next(iter(by_id or [rule for rule in bandits if rule.key == named]), None)


def no_bandit(datafile: Datafile | None, named: str) -> str:
    """Why there is no contextual bandit of this id or key: one sentence."""
    if datafile is None:
        return "there is no datafile here that could have it"
    rule = datafile.experiment_by_id(named) or datafile.experiment_by_key(named)
    if rule is not None:
        return f"the rule {quoted(rule.key)} is not a contextual bandit: the datafile gives it no `cmab`"
    keys = [rule.key for rule in datafile.experiments if rule.bandit_attributes is not None]
    close = nearest(named, keys, 1)
    meant = f"; did you mean {quoted(close[0].name)}?" if close else ""
    known = f"the datafile's contextual bandits are {listed(keys)}" if keys else "the datafile has none"
    return f"there is no contextual bandit {quoted(named)}: {known}{meant}"


def parse_table(table: object, rule: Experiment, datafile: Datafile) -> list[dict[str, Any]]:
    """The rows of a table, `[{"when": {attribute key: value}, "variation": key}]`; a row without conditions always holds.

    `table` is `{"variation": …}`, `{"table": [row, …]}`, or the variation or the rows alone. Variations and attributes
    may be named by key or id. Raises PredictionError.
    """
    if isinstance(table, Mapping) and set(table) == {"table"}:
        table = table["table"]
    if isinstance(table, str):
        table = {"variation": table}
    if isinstance(table, Mapping):
        table = [table]
    if not isinstance(table, list):
        raise PredictionError(
            'predictions are a variation, {"variation": "on"}, or a table, {"table": [{"when": {"device": "phone"},'
            ' "variation": "on"}, {"variation": "off"}]}'
        )
    if len(table) > MAX_ROWS:
        raise PredictionError(f"a table has at most {MAX_ROWS} rows, not {len(table)}")
    return [_row(row, f"row {index}", rule, datafile) for index, row in enumerate(table)]


def _row(row: object, where: str, rule: Experiment, datafile: Datafile) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise PredictionError(f'{where} must be an object, as {{"when": {{…}}, "variation": "…"}}')
    unknown = [name for name in row if name not in ("when", "variation")]
    if unknown:
        raise PredictionError(f"{where}: unknown field {str(unknown[0])!r:.60}; known are when, variation")
    named = row.get("variation")
    variation = _variation(rule, named)
    if variation is None:
        keys = [each.key for each in rule.variations]
        raise PredictionError(
            f"{where}: {quoted(rule.key)} has no variation {named!r:.60}{_meant(named, keys)}; it has {listed(keys)}"
        )
    conditions = row.get("when", {})
    if not isinstance(conditions, Mapping):
        raise PredictionError(f"{where}: when must be an object of attribute: value, not {conditions!r:.60}")
    return {
        "when": {
            _attribute(name, where, rule, datafile): _value(name, value, where)
            for name, value in conditions.items()
        },
        "variation": variation.key,
    }


def _variation(rule: Experiment, named: object) -> Variation | None:
    if not isinstance(named, str):
        return None
    return rule.variation_by_key(named) or rule.variation(named)


def _attribute(named: object, where: str, rule: Experiment, datafile: Datafile) -> str:
    """The key of an attribute that the bandit decides by: no other reaches the prediction service."""
    keys = bandit_keys(rule, datafile)
    for id_, key in keys.items():
        if named in (key, id_):
            return key
    known = f"it decides by {listed(keys.values())}" if keys else "it decides by none"
    raise PredictionError(
        f"{where}: {quoted(rule.key)} is never told the attribute {named!r:.60}{_meant(named, keys.values())}: {known}"
    )


def _value(name: object, value: object, where: str) -> str | int | float:
    if isinstance(value, str | int | float):
        return value
    raise PredictionError(f"{where}: when.{name!s:.60} must be a text, a number, true or false")


def _meant(named: object, names: Iterable[str]) -> str:
    close = nearest(named, names, 1) if isinstance(named, str) else []
    return f" (did you mean {quoted(close[0].name)}?)" if close else ""


def bandit_keys(rule: Experiment, datafile: Datafile) -> dict[str, str]:
    """Id → key of the attributes that the bandit decides by."""
    ids = rule.bandit_attributes or ()
    return {id_: key for key, id_ in datafile.attribute_ids.items() if id_ in ids}


def predict(
    rows: Sequence[Mapping[str, Any]], rule: Experiment, visitor_id: str, attributes: Mapping[str, Any]
) -> Variation:
    """The variation for a visitor with these attributes, by key. The rule has at least one variation.

    A row whose variation the datafile no longer has is passed over. What no row decides is spread evenly, by visitor and
    rule, and the same in every run: the real service learns, and nobody could test against what it learns.
    """
    for row in rows:
        variation = rule.variation_by_key(row["variation"])
        if variation is not None and all(_same(attributes.get(k), v) for k, v in row["when"].items()):
            return variation
    drawn = hashlib.sha256(f"{rule.id}\n{visitor_id}".encode("utf-8", "surrogatepass")).digest()
    return rule.variations[int.from_bytes(drawn[:8]) % len(rule.variations)]


def _same(sent: object, wanted: object) -> bool:
    """Equal as JSON: true is not 1, and 1 is 1.0."""
    return isinstance(sent, bool) is isinstance(wanted, bool) and sent == wanted


def remember(journal: Journal, namespace: str, uuid: str, served: Mapping[str, Any]) -> None:
    """Keep `{"rule_id", "variation_id", "at": ms}` of one prediction; of the visitor nothing is kept."""
    journal.change_document(SERVED, namespace, lambda _: served, uuid)


def prediction_note(journal: Journal, namespace: str, row: EventRow) -> Note | None:
    """What is odd about a decision's `cmab_uuid`: no prediction was served under it here, or another one."""
    uuid = row["cmab_uuid"]
    if uuid is None:
        return None
    served = journal.document(SERVED, namespace, uuid)
    if served is None:
        message = (
            f"The decision's cmab_uuid {quoted(uuid)} is that of no prediction served here; the SDK asked another "
            "prediction service. Point it at POST /predict/<rule id> of this emulator."
        )
        return note(NOT_SERVED, message)
    if (served["rule_id"], served["variation_id"]) == (row["experiment_id"], row["variation_id"]):
        return None
    message = (
        f"Under the decision's cmab_uuid {quoted(uuid)} variation {quoted(served['variation_id'])} of rule "
        f"{quoted(served['rule_id'])} was predicted, but the decision is for variation {quoted(row['variation_id'])} of "
        f"rule {quoted(row['experiment_id'])}."
    )
    return note(DIFFERS, message)
