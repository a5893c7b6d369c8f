"""The destination's HTTP calls: which URLs it calls, and how an answer becomes data or an error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

from optilocal.forwarder.errors import HTTPError, JavaScriptTypeError
from optilocal.forwarder.javascript.json import JsonSyntaxError, parse_json
from optilocal.forwarder.javascript.url import parse_url
from optilocal.forwarder.javascript.values import UNDEFINED

_NO_HEADER: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


@dataclass(frozen=True)
class Response:
    """An HTTP answer. `headers` have lower-case names; `text` is the decoded body with its byte order mark, if any."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def parsed(self) -> Any:
        """The body parsed as JSON, whatever its content type; UNDEFINED where it is not JSON. Must not be changed."""
        return _parse_body(self.text)

    @property
    def data(self) -> Any:
        """`parsed` where the content type contains `application/json`, else `text`. Must not be changed.

        Source: @segment/actions-core middleware/after-response/prepare-response.ts.
        """
        return self.parsed if "application/json" in self.headers.get("content-type", "") else self.text


# The datafile is fetched for every event, and rarely differs from the last one.
@lru_cache(maxsize=32)
def _parse_body(text: str) -> Any:
    try:
        return parse_json(text)
    except JsonSyntaxError:
        return UNDEFINED


class Client(Protocol):
    """Makes HTTP calls."""

    def request(
        self, method: str, url: str, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Makes one call and returns the answer, whatever its status.

        `url` is the real URL; `json` is plain JSON data (None, bool, int, float, str, list, dict) or UNDEFINED for no
        body. Raises `FetchError` or `RequestTimedOut` where there was no answer.
        """
        ...


def call(
    client: Client, method: str, url: Any, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
) -> Response:
    """Makes one call as Segment's request client does.

    Raises `JavaScriptTypeError` for a URL that Segment does not call, `HTTPError` for an answer outside 2xx, and the
    client's errors.
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
