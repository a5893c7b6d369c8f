"""cdn.segment.com's code: analytics.js, for pages with Segment's snippet, from a folder or from Segment's own CDN."""

import mimetypes
from pathlib import Path

from flask import Blueprint, Response, request

from optilocal.forwarder.context import context

blueprint = Blueprint("analytics_js", __name__)

FROM_CDN = "cdn"
"""The setting `analytics_js` that fetches the code from Segment's CDN, each time a page asks for it."""
_CDN = "https://cdn.segment.com"
_TIMEOUT_S = 20
_LOADER = "standalone.js"
_NOT_THERE = (
    "optilocal does not contain Segment's code: name a folder that has it with --analytics-js, such as"
    " node_modules/@segment/analytics-next/dist/umd"
)


@blueprint.get("/analytics.js/v1/<key>/<file>")
def loader(key: str, file: str) -> Response:  # noqa: ARG001 - the code is the same for every source
    if file not in ("analytics.min.js", "analytics.js"):
        return _missing(f"there is no {file}")
    return _code(_LOADER)


@blueprint.get("/analytics-next/bundles/<file>")
def bundle(file: str) -> Response:
    return _code(file)


@blueprint.get("/next-integrations/<path:rest>")
def integration(rest: str) -> Response:
    if context().settings.analytics_js == FROM_CDN:
        return _from_cdn()
    return _missing(f"the integration {rest} is not served: events reach destinations through Segment alone")


@blueprint.after_request
def share(answer: Response) -> Response:
    # Pages of any origin load it.
    answer.headers["access-control-allow-origin"] = "*"
    return answer


def _code(name: str) -> Response:
    source = context().settings.analytics_js
    if source is None:
        return _missing(_NOT_THERE)
    if source == FROM_CDN:
        return _from_cdn()
    file = Path(source) / name
    if Path(name).name != name or not file.is_file():
        return _missing(f"{source} has no {name}")
    return Response(file.read_bytes(), content_type=mimetypes.guess_type(name)[0] or "text/javascript")


def _from_cdn() -> Response:
    import requests  # noqa: PLC0415 - slow to import, and few pages ask for it

    try:
        answer = requests.get(_CDN + request.path, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        return _missing(f"{_CDN} cannot be reached ({type(error).__name__}); {_NOT_THERE}", 502)
    content_type = answer.headers.get("content-type", "text/javascript")
    return Response(answer.content, answer.status_code, content_type=content_type)


def _missing(reason: str, status: int = 404) -> Response:
    return Response(f"{reason}\n", status, content_type="text/plain; charset=utf-8")
