"""`/_emulator/recording`: what a namespace saw as a scenario, for the viewer of a sandbox that can write scenarios."""

from flask import Blueprint, Response, request

from optilocal.emulator.context import context, namespace
from optilocal.emulator.control.reading import json_response
from optilocal.emulator.problems import Problem

blueprint = Blueprint("control_recording", __name__, url_prefix="/_emulator")


@blueprint.get("/recording")
def recording() -> Response:
    """`{"scenario": YAML, "differences": [a line, …]}` of the whole namespace, or of the events that `message_id` names."""
    recorder = context().recorder
    if recorder is None:
        raise Problem(
            "no_recorder",
            "only an emulator that `optilocal up` started writes scenarios; with this one use `optilocal record`",
        )
    try:
        scenario, differences = recorder(namespace(), request.args.getlist("message_id"))
    except ValueError as error:
        raise Problem("not_recorded", str(error)) from None
    return json_response({"scenario": scenario, "differences": differences})
