"""A client without a network: it answers the destination's requests, and keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.javascript.url import without_fragment
from optilocal.forwarder.javascript.values import UNDEFINED


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
