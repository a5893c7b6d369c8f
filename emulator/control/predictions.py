"""`/_emulator/predictions`: what the prediction service is to answer for a contextual bandit, set by a test."""

from typing import Any

from flask import Blueprint, Response

from optilocal.emulator.context import context, namespace
from optilocal.emulator.control.listing import asked_namespace
from optilocal.emulator.control.reading import json_body, json_response
from optilocal.emulator.datafile.bandit import TABLE, PredictionError, bandit, no_bandit, parse_table
from optilocal.emulator.datafile.datafile import Datafile, Experiment
from optilocal.emulator.problems import Problem

blueprint = Blueprint("control_predictions", __name__, url_prefix="/_emulator/predictions")


@blueprint.get("")
def tables() -> Response:
    rows = [
        {"namespace": space, **stored}
        for space, _, stored in context().journal.documents(TABLE, asked_namespace())
    ]
    return json_response({"predictions": rows})


@blueprint.get("/<rule>")
def table(rule: str) -> Response:
    stored = context().journal.document(TABLE, namespace(), _id(rule))
    if stored is None:
        raise Problem(
            "unknown_prediction", f"no predictions are set for {rule!r:.140}: it chooses by visitor and rule"
        )
    return json_response({"namespace": namespace(), **stored})


@blueprint.put("/<rule>")
def put_table(rule: str) -> Response:
    datafile, experiment = _bandit(rule)
    try:
        rows = parse_table(json_body(), experiment, datafile)
    except PredictionError as error:
        raise Problem("invalid_prediction", str(error)) from None
    stored: dict[str, Any] = {"rule_id": experiment.id, "rule_key": experiment.key, "table": rows}
    context().journal.change_document(TABLE, namespace(), lambda _: stored, experiment.id)
    return json_response({"namespace": namespace(), **stored})


@blueprint.delete("/<rule>")
def delete_table(rule: str) -> Response:
    context().journal.change_document(TABLE, namespace(), lambda _: None, _id(rule))
    return json_response({"predictions": []})


@blueprint.delete("")
def delete_tables() -> Response:
    journal, space = context().journal, namespace()
    for _, rule_id, _ in journal.documents(TABLE, space):
        journal.change_document(TABLE, space, lambda _: None, rule_id)
    return json_response({"predictions": []})


def _id(rule: str) -> str:
    """A rule's id by its id or key; what the datafile no longer has goes by its id."""
    experiment = bandit(context().verdicts.history(namespace()).newest, rule)
    return experiment.id if experiment else rule


def _bandit(rule: str) -> tuple[Datafile, Experiment]:
    datafile = context().verdicts.history(namespace()).newest
    experiment = bandit(datafile, rule)
    if datafile is None or experiment is None:
        raise Problem("unknown_rule", f"{no_bandit(datafile, rule)}")
    return datafile, experiment
