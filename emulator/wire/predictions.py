"""The prediction service of contextual bandits, `POST /predict/<rule id>`, as Optimizely's SDKs ask it.

Request and answer are those of the SDKs' clients: python-sdk `optimizely/cmab/cmab_client.py`, javascript-sdk
`lib/core/decision_service/cmab/cmab_client.ts`. What the real service says of a request that it refuses is not public.
"""

from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from optilocal.emulator.batch import fields
from optilocal.emulator.batch.fields import Findings
from optilocal.emulator.batch.row import Note
from optilocal.emulator.context import context, namespace
from optilocal.emulator.datafile.bandit import (
    TABLE,
    bandit,
    bandit_keys,
    no_bandit,
    predict,
    remember,
)
from optilocal.emulator.datafile.datafile import Datafile, Experiment
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.wire.exchange import Answer, exchange, open_to_pages
from optilocal.emulator.wording import quoted

blueprint = Blueprint("predictions", __name__)
_JSON = {"Content-Type": "application/json"}


class _Question(NamedTuple):
    """One instance of a request. `attributes` by key."""

    visitor_id: str
    uuid: str
    attributes: dict[str, Any]


@blueprint.post("/predict/<rule_id>")
def predictions(rule_id: str) -> Response:
    return exchange("predictions", lambda _, at: _predict(rule_id, at))


def _predict(rule_id: str, at: int) -> Answer:
    findings = Findings()
    datafile = context().verdicts.history(namespace()).newest
    rule = datafile.experiment_by_id(rule_id) if datafile else None
    if datafile is None or rule is None or rule.bandit_attributes is None:
        named = bandit(datafile, rule_id)
        why = f"its id is {named.id}, and SDKs ask by id" if named else no_bandit(datafile, rule_id)
        findings.violation("unknown_rule", "", f"no prediction for {quoted(rule_id)}: {why}")
        return _refused(404, findings)
    questions = _Reader(rule, datafile, findings).questions(request.get_data())
    if findings.violations:
        return _refused(400, findings)
    stored = context().journal.document(TABLE, namespace(), rule.id)
    rows = stored["table"] if stored else []
    if not rule.variations:
        findings.violation("no_variation", "", f"the rule {quoted(rule.key)} has no variation")
        return _refused(404, findings)
    answers = [predict(rows, rule, each.visitor_id, each.attributes) for each in questions]
    for question, variation in zip(questions, answers, strict=True):
        served = {"rule_id": rule.id, "variation_id": variation.id, "at": at}
        remember(context().journal, namespace(), question.uuid, served)
    body = {"predictions": [{"variation_id": variation.id} for variation in answers]}
    return Answer(200, dumps(body).encode(), _JSON, warnings=tuple(findings.warnings))


def _refused(status: int, findings: Findings) -> Answer:
    body = dumps({"message": findings.violations[0]["message"]}).encode()
    return Answer(
        status, body, _JSON, violations=tuple(findings.violations), warnings=tuple(findings.warnings)
    )


class _Reader:
    """Reads the questions put to one bandit; what is wrong with them goes into `findings`."""

    def __init__(self, rule: Experiment, datafile: Datafile, findings: Findings) -> None:
        self._rule, self._datafile, self._findings = rule, datafile, findings
        self._keys = bandit_keys(rule, datafile)

    def questions(self, body: bytes) -> list[_Question]:
        """All instances of a request's body; meant to be answered only when no violation was found."""
        findings = self._findings
        try:
            document = loads(body)
        except ValueError as error:
            findings.violation("not_json", "", f"the body is not valid JSON: {error}")
            return []
        if not isinstance(document, dict):
            message = f"the body must be an object, it is {fields.type_name(document)}"
            findings.violation("not_an_object", "", message)
            return []
        instances = fields.items(document, "instances", "", findings, required=True)
        if not instances and not findings.violations:
            findings.violation("empty_field", "instances", "instances must not be empty")
        return [self._question(instance, path) for path, instance in instances]

    def _question(self, instance: dict[str, Any], path: str) -> _Question:
        findings, problems = self._findings, list[Note]()
        experiment = fields.required_text(instance, "experimentId", path, findings, problems)
        if experiment is not None and experiment != self._rule.id:
            where = f"{path}.experimentId"
            message = f"{where} is {quoted(experiment)}, the address names {quoted(self._rule.id)}; the address decides"
            findings.warning("other_experiment", where, message)
        visitor = fields.required_text(instance, "visitorId", path, findings, problems)
        uuid = fields.required_text(instance, "cmabUUID", path, findings, problems)
        attributes = {}
        for where, attribute in fields.items(instance, "attributes", path, findings, required=True):
            key = self._key(attribute, where)
            if "value" not in attribute:
                findings.violation("missing_field", f"{where}.value", f"{where}.value is required")
            elif key is not None:
                attributes[key] = attribute["value"]
        return _Question(visitor or "", uuid or "", attributes)

    def _key(self, attribute: dict[str, Any], path: str) -> str | None:
        """The key of an attribute, None when the bandit does not decide by it. It should be named by its id."""
        findings, where = self._findings, f"{path}.id"
        kind = fields.optional_text(attribute, "type", path, findings)
        if kind not in (None, "custom_attribute"):
            message = f"{path}.type is {quoted(kind)}; SDKs send custom_attribute"
            findings.warning("unknown_type", f"{path}.type", message)
        named = fields.required_text(attribute, "id", path, findings, [])
        if named is None or named in self._keys:
            return self._keys[named] if named else None
        ids = {key: id_ for id_, key in self._keys.items()}
        if named in ids:
            # javascript-sdk's pull request 1160.
            message = (
                f"{where} is the attribute's key {quoted(named)}, and its id {quoted(ids[named])} is wanted; "
                "javascript-sdk before 6.5.0 sends keys"
            )
            findings.warning("attribute_by_key", where, message)
            return named
        known = self._datafile.attribute_ids
        what = "is not one that the bandit decides by" if named in (*known, *known.values()) else "is unknown"
        findings.warning("unknown_attribute", where, f"{where} {quoted(named)} {what}; it is left out")
        return None


# SDKs in a browser ask too, from a page of any site.
_CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "content-type",
    "Access-Control-Max-Age": "600",
}
open_to_pages(blueprint, lambda _: _CROSS_ORIGIN)
