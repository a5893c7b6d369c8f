"""Serves the viewer: the files of `static/`, and nothing else."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

blueprint = Blueprint("viewer", __name__)


def static_folder() -> Path:
    """Where the viewer's files are: the folder `static` of the import package."""
    return Path(__file__).parents[2] / "static"


@blueprint.get("/")
def index() -> Response:
    return _file("index.html")


@blueprint.get("/static/<path:name>")
def static_file(name: str) -> Response:
    return _file(name)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    return Response(status=204)


def _file(name: str) -> Response:
    response = send_from_directory(static_folder(), name, max_age=0)
    # Sent in one piece by the server, which needs the bytes and not an open file.
    response.direct_passthrough = False
    # The server tells the date itself.
    response.headers.pop("Date", None)
    return response
