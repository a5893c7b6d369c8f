"""`/_emulator/forced`: which variations are forced, for one user or for everybody."""

from flask import Blueprint, Response

from optilocal.emulator.context import context, namespace
from optilocal.emulator.control.listing import asked_namespace
from optilocal.emulator.control.reading import json_body, json_response
from optilocal.emulator.datafile.forced import KIND, Forced, read_rules, warnings_of

blueprint = Blueprint("control_forced", __name__, url_prefix="/_emulator")


@blueprint.get("/forced")
def get_forced() -> Response:
    newest = {space: doc["rules"] for space, _, doc in context().journal.documents(KIND, asked_namespace())}
    rows = [{"namespace": space, **rule} for space, rules in newest.items() for rule in rules]
    return json_response({"forced": rows})


@blueprint.put("/forced")
def put_forced() -> Response:
    """These rules in the place of all that were; SDKs see them when they fetch the datafile next."""
    datafile = context().verdicts.history(namespace()).newest
    rules = read_rules(json_body(), datafile)
    _forced().put(rules, context().now(namespace()))
    rows = [{"namespace": namespace(), **rule} for rule in rules]
    return json_response({"forced": rows, "warnings": warnings_of(rules, datafile)})


@blueprint.delete("/forced")
def delete_forced() -> Response:
    _forced().put([], context().now(namespace()))
    return json_response({"forced": []})


def _forced() -> Forced:
    return Forced(context().journal, namespace())
