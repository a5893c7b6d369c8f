"""The way from the viewer to the forwarder, through the emulator's origin: all of its addresses, as they are."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from optilocal.emulator.context import context, namespace
from optilocal.emulator.control.reading import json_response
from optilocal.emulator.problems import Problem
from optilocal.serving.namespaces import DEFAULT
from optilocal.serving.site import current_request

blueprint = Blueprint("control_forwarder", __name__, url_prefix="/_emulator")

TIMEOUT_S = 30.0
REACHED = ("_forwarder", "v1", "destination", "regulations")
"""The first parts of the forwarder's addresses that are reached this way: all that it has."""


@blueprint.get("/viewer")
def viewer() -> Response:
    """What the viewer's pages begin with: where the forwarder is, and what they name when they change something."""
    parts = context()
    return json_response({"forwarder": parts.forwarder, "token": parts.page_token})


@blueprint.route("/forwarder/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def passed_on(path: str) -> Response:
    """The request goes on to the forwarder as it came, in the same namespace; its answer comes back as it is."""
    if path.split("/", maxsplit=1)[0] not in REACHED:
        raise Problem("not_found", f"the forwarder has nothing at /{path:.200}")
    # As it came: what is escaped in it stays escaped.
    rest = current_request().target.decode("latin-1").partition("/_emulator/forwarder/")[2]
    status, kind, body = ask_forwarder(
        request.method, rest, request.get_data() or None, request.headers.get("Content-Type")
    )
    return Response(body, status, content_type=kind)


def ask_forwarder(
    method: str, target: str, body: bytes | None = None, content_type: str | None = None
) -> tuple[int, str, bytes]:
    """Status, content type and body of the forwarder's answer, in the current namespace. Raises Problem when none is known
    or none answers.
    """
    address = context().forwarder
    if address is None:
        raise Problem(
            "no_forwarder",
            "no forwarder is known to this emulator; start both with `optilocal up`, or name one with --forwarder URL",
        )
    parts = urlsplit(address)
    space = "" if namespace() == DEFAULT else f"/ns/{namespace()}"
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=TIMEOUT_S)
    try:
        headers = {"Content-Type": content_type} if content_type else {}
        token = context().settings.token
        # Where the Tracking API looks for a write key no token is shown.
        if token is not None and not target.startswith("v1/"):
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, f"{parts.path.rstrip('/')}{space}/{target}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type") or "application/octet-stream", answer.read()
    except (OSError, HTTPException) as error:
        raise Problem(
            "forwarder_unreachable", f"the forwarder at {address} does not answer: {type(error).__name__}"
        ) from None
    finally:
        connection.close()
