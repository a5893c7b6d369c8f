"""`/_emulator/ready` and `/_emulator/metrics`: what whoever runs several emulators watches them by."""

from flask import Blueprint, Response

from optilocal.emulator.context import context
from optilocal.emulator.control.reading import json_response
from optilocal.emulator.problems import Problem
from optilocal.serving.metrics import CONTENT_TYPE, Metric, as_text

blueprint = Blueprint("operation", __name__, url_prefix="/_emulator")


@blueprint.get("/ready")
def ready() -> Response:
    """Whether events would be taken and judged: for whatever spreads requests over several emulators."""
    parts = context()
    waiting = parts.journal.last_exchange() - parts.journal.position().exchange
    if waiting > parts.settings.max_events:
        what = f"{waiting} requests wait to be judged, more than are kept"
        raise Problem("not_ready", what, {"Retry-After": "1"})
    return json_response({"status": "ready", "waiting": waiting})


@blueprint.get("/metrics")
def metrics() -> Response:
    """The figures of the whole journal, of every namespace and of every emulator on it."""
    journal = context().journal
    last, position = journal.last_exchange(), journal.position()
    outcomes = journal.outcome_counts()
    figures = [
        Metric(
            "optilocal_exchanges_total", "counter", "Requests captured on the imitated surface", {"": last}
        ),
        Metric(
            "optilocal_events_total", "counter", "Decisions and conversions projected", {"": position.event}
        ),
        Metric(
            "optilocal_backlog",
            "gauge",
            "Requests captured and not yet projected",
            {"": last - position.exchange},
        ),
        Metric("optilocal_verdicts", "gauge", "Verdicts kept, by outcome", outcomes, label="outcome"),
        Metric(
            "optilocal_projects",
            "gauge",
            "Whether this emulator is the one that projects",
            {"": int(journal.leads())},
        ),
    ]
    return Response(as_text(figures), content_type=CONTENT_TYPE)
