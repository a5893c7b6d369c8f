"""The datafile CDN: by SDK key, by project, by an older address, and behind a token; conditional GET as SDKs use it."""

from collections.abc import Mapping
from email.utils import formatdate
from hmac import compare_digest
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.http import parse_date

from optilocal.emulator.batch.row import note
from optilocal.emulator.context import context, namespace
from optilocal.emulator.datafile.forced import Forced
from optilocal.emulator.datafile.store import DatafileStore, served
from optilocal.emulator.wire.exchange import Answer, exchange, open_to_pages
from optilocal.emulator.wire.rest import bearer_token

blueprint = Blueprint("datafile_cdn", __name__)
# Storage of this kind answers 403, not 404, for what it does not have (docs/optimizely.md, "Datafile CDN").
_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
)


@blueprint.get("/datafiles/<sdk_key>.json")
def by_key(sdk_key: str) -> Response:
    return exchange("datafile", lambda *_: _serve(_store().get(sdk_key)))


@blueprint.get("/json/<project_id>.json")
def by_project(project_id: str) -> Response:
    return exchange("datafile", lambda *_: _serve(_store().find_project(project_id)))


@blueprint.get("/public/<project_id>/datafile_v<version>.json")
def by_version(project_id: str, version: str) -> Response:  # noqa: ARG001 - what is served has the version that it has
    return exchange("datafile", lambda *_: _serve(_store().find_project(project_id)))


@blueprint.get("/public/<owner_id>/s/<name>.json")
def by_environment(owner_id: str, name: str) -> Response:
    return exchange("datafile", lambda *_: _serve(_store().find_environment(owner_id, name)))


@blueprint.get("/datafiles/auth/<sdk_key>.json")
def with_token(sdk_key: str) -> Response:
    return exchange("datafile", lambda *_: _serve(_opened(_store().get(sdk_key))))


def _store() -> DatafileStore:
    return DatafileStore(context().journal, namespace())


def _opened(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """The state when the request's token opens it: the one that was set, any token when none was."""
    token = bearer_token()
    if state is None or not token:
        return None
    wanted = state["token"]
    opened = wanted is None or compare_digest(wanted.encode(), token.encode("utf-8", "replace"))
    return state if opened else None


def _serve(state: Mapping[str, Any] | None) -> Answer:
    if state is None:
        why = "no datafile is known here under this name, or the token does not open it"
        return Answer(
            403, _DENIED, {"Content-Type": "application/xml"}, warnings=(note("unknown_datafile", why),)
        )
    headers = {
        "Last-Modified": formatdate(state["modified"], usegmt=True),
        "Cache-Control": "no-cache",
    }
    since = parse_date(request.headers.get("If-Modified-Since"))
    if state["status"] is None and since is not None and since.timestamp() >= state["modified"]:
        return Answer(304, headers=headers)
    status, headers["Content-Type"], text = served(state)
    # A text that is no datafile has no revision, and stays as it is.
    if state["revision"] is not None and not state["deactivated"]:
        text = Forced(context().journal, namespace()).served(text)
    return Answer(status, text.encode("utf-8", "replace"), headers)


# The real CDN is public; a page anywhere may read a datafile. SDKs poll with If-Modified-Since.
_CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Access-Control-Allow-Headers": "if-modified-since, authorization, content-type",
    "Access-Control-Expose-Headers": "last-modified",
    "Access-Control-Max-Age": "600",
}
open_to_pages(blueprint, lambda _: _CROSS_ORIGIN)
