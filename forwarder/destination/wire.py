"""One HTTP call as the destination sees it: which URLs are called at all, and how an answer becomes data or an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

from optilocal.forwarder.errors import HTTPError, JavaScriptTypeError
from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json
from optilocal.forwarder.javascript.url import parse_url, without_fragment
from optilocal.forwarder.javascript.values import UNDEFINED

_NO_HEADER: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


@dataclass(frozen=True)
class Response:
    """Any HTTP answer. `headers` have lower-case names; `text` is the decoded body, a byte order mark kept."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def parsed(self) -> Any:
        """The body as JSON, whatever its content type; UNDEFINED where it is none. Must not be changed."""
        return _parse_body(self.text)

    @property
    def data(self) -> Any:
        """The body as JSON where the content type contains `application/json`, else its text.

        Source: @segment/actions-core middleware/after-response/prepare-response.ts.

        UNDEFINED where such a body is not JSON. Must not be changed.
        """
        return self.parsed if "application/json" in self.headers.get("content-type", "") else self.text


# A datafile is fetched for every event and hardly ever differs from the last one.
@lru_cache(maxsize=32)
def _parse_body(text: str) -> Any:
    try:
        return parse_json(text)
    except JsonSyntaxError:
        return UNDEFINED


class Client(Protocol):
    """Whoever makes the HTTP calls."""

    def request(
        self, method: str, url: str, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Makes one call and returns whatever was answered.

        `url` is the real one; `json` is plain JSON data (None, bool, int, float, str, list, dict) or UNDEFINED for no
        body. Raises `FetchError` or `RequestTimedOut` where nothing was answered.
        """
        ...


def call(
    client: Client, method: str, url: Any, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
) -> Response:
    """Makes one call as Segment's request client does.

    Raises `JavaScriptTypeError` for a URL that is never called, `HTTPError` for any answer outside 2xx, and what the
    client raises.
    """
    parsed = parse_url(url)
    if not parsed.scheme or not parsed.hostname:
        raise JavaScriptTypeError("Only absolute URLs are supported")
    if parsed.scheme not in ("http", "https"):
        raise JavaScriptTypeError("Only HTTP(S) protocols are supported")
    for value in (headers or {}).values():
        if _NO_HEADER.search(value):
            raise JavaScriptTypeError(f"{value} is not a legal HTTP header value")
    response = client.request(method, parsed.href, json=json, headers=headers)
    if not 200 <= response.status < 300:
        raise HTTPError(response.reason or str(response.status), response)
    return response


class OfflineClient:
    """What `optilocal preview` and `optilocal check` give the destination instead of HTTP.

    `datafile` answers each GET, `accepted` each other request; they may raise what a client raises. `requests` are all
    that were made, in order: `{"method", "url", "json"?}`.
    """

    def __init__(self, datafile: Callable[[], Response], accepted: Callable[[], Response]) -> None:
        self._datafile, self._accepted = datafile, accepted
        self.requests: list[dict[str, Any]] = []

    def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = UNDEFINED,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Response:
        """One request, which never leaves the process."""
        made = {"method": method, "url": without_fragment(url)}
        self.requests.append(made if json is UNDEFINED else {**made, "json": json})
        return self._datafile() if method == "GET" else self._accepted()
