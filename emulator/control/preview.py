"""`/_emulator/preview`: what would become of Segment events, from trigger to results; nothing is sent or recorded."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response

from optilocal.emulator.context import context, namespace
from optilocal.emulator.control.forwarder import ask_forwarder
from optilocal.emulator.control.reading import json_body, json_response
from optilocal.emulator.datafile.datafile import RUNNING
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.problems import experiment_lists
from optilocal.emulator.datafile.store import REVISION, DatafileStore, served
from optilocal.emulator.json_text import as_object, dumps, loads
from optilocal.emulator.problems import Problem

blueprint = Blueprint("control_preview", __name__, url_prefix="/_emulator")

_BY_KEY = re.compile(r"/datafiles/(?:auth/)?(?P<key>[^/]+)\.json")
_BY_PROJECT = re.compile(r"/(?:json/(?P<project>[^/]+)|public/(?P<owner>[^/]+)/datafile_v[0-9]+)\.json")
_OURS = ("cdn.optimizely.com", "config.optimizely.com")


@blueprint.post("/preview")
def preview() -> Response:
    """The verdict that each event would have now. `running` names experiments that are taken as running all the time."""
    body = json_body()
    if not isinstance(body, dict):
        raise Problem(
            "invalid_preview", 'give {"events": [a Segment event, …], "settings"?, "mappings"?, "running"?}'
        )
    question = dict(body)
    running = question.pop("running", [])
    if not isinstance(running, list):
        raise Problem("invalid_preview", '"running" is a list of experiments\' keys')
    chosen = question.get("settings")
    settings = (
        chosen if isinstance(chosen, dict) and "dataFileUrl" in chosen else _ask("GET", "_forwarder/settings")
    )
    question["datafile"] = _datafile(str(settings.get("dataFileUrl") or ""), running)
    reports = _ask("POST", "_forwarder/preview", question)["reports"]
    parts, history = context(), _history(running)
    parts.projector.catch_up()
    verdicts = [parts.verdicts.foreseen(namespace(), report, history) for report in reports]
    return json_response({"verdicts": [{**each, "preview": True} for each in verdicts]})


def _ask(method: str, target: str, body: object = None) -> Any:
    raw = None if body is None else dumps(body).encode()
    status, _, answer = ask_forwarder(method, target, raw, "application/json" if raw else None)
    read = loads(answer)
    if status >= 400:
        error = as_object(as_object(read).get("error"))
        raise Problem("invalid_preview", str(error.get("message") or f"the forwarder answered {status}"))
    return read


def _datafile(url: str, running: list[Any]) -> dict[str, Any]:
    """What the CDN here answers to a GET of this URL: `{"status", "text", "content_type"}`."""
    store, parts = DatafileStore(context().journal, namespace()), urlsplit(url)
    path = unquote(parts.path)
    by_key, by_project = _BY_KEY.fullmatch(path), _BY_PROJECT.fullmatch(path)
    state = None
    if parts.hostname in _OURS and by_key:
        state = store.get(by_key["key"])
    elif parts.hostname in _OURS and by_project:
        state = store.find_project(by_project["project"] or by_project["owner"])
    status, kind, text = 403, "text/plain", "no datafile is known here under this URL"
    if state is not None:
        status, kind, text = served(state)
        if running and not state["raw"] and not state["deactivated"]:
            text = dumps(_running(loads(text), running))
    return {"status": status, "text": text, "content_type": kind}


def _history(running: list[Any]) -> DatafileHistory:
    if not running:
        return context().verdicts.history(namespace())
    revisions: dict[str, list[tuple[int, object]]] = {}
    for _, _, doc in context().journal.documents(REVISION, namespace()):
        revisions.setdefault(doc["of"], []).append((doc["from"], _running(doc["datafile"], running)))
    return DatafileHistory(revisions)


def _running(datafile: Mapping[str, Any], keys: list[Any]) -> dict[str, Any]:
    """A copy of the datafile in which these experiments run."""
    copied: dict[str, Any] = loads(dumps(datafile))
    for _, items, kind in experiment_lists(copied):
        for item in items:
            if kind == "experiment" and item.get("key") in keys:
                item["status"] = RUNNING
    return copied
