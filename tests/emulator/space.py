"""One namespace of an emulator, as tests use it over HTTP."""

from typing import Any

import requests
from field_builders import datafile

TOKEN = {"Authorization": "Bearer pat-1"}


class Space:
    """One namespace over HTTP, by its own base URL."""

    def __init__(self, root: str, name: str | None, session: requests.Session) -> None:
        self.root = root
        self.name = name or "default"
        self.base_url = f"{root}/ns/{name}" if name else root
        self.session = session

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.session.request(method, self.base_url + path, timeout=30, **arguments)

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.call("GET", path, **arguments)

    def json(self, path: str, **params: Any) -> Any:
        """A control route's JSON; anything but 200 fails the test."""
        answer = self.get(f"/_emulator/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, listing: str, **params: Any) -> list[dict[str, Any]]:
        found = self.json(listing, **params)[listing]
        assert isinstance(found, list)
        return found

    def send(self, batch: Any, **arguments: Any) -> requests.Response:
        given = {"data": batch} if isinstance(batch, bytes | str) else {"json": batch}
        return self.call("POST", "/v1/events", **given, **arguments)

    def put_datafile(self, given: dict[str, Any] | None = None, key: str = "sdk-1") -> requests.Response:
        return self.call("PUT", f"/_emulator/datafiles/{key}", json=given or datafile())

    def put_faults(self, *rules: dict[str, Any]) -> requests.Response:
        return self.call("PUT", "/_emulator/faults", json=list(rules))

    def put_clock(self, now: str) -> None:
        assert self.call("PUT", "/_emulator/clock", json={"now": now}).status_code == 200

    def report(self, **fields: Any) -> int:
        """Report a delivery; its number."""
        answer = self.call("POST", "/_emulator/deliveries", json=fields)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["number"])

    def ask(self, **fields: Any) -> requests.Response:
        """Make a subject access request."""
        body = {
            "data_type": "visitor",
            "identifier": "u-1",
            "identifier_type": "fullstack_id",
            "request_type": "delete",
            **fields,
        }
        return self.call("POST", "/v2/subject-access-requests", json=body, headers=TOKEN)

    def process(self, request_id: int, **body: Any) -> Any:
        path = f"/_emulator/subject-access-requests/{request_id}/process"
        answer = self.call("POST", path, json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()
