"""The fixture `segment`: a Segment source with the keywords of Segment's own Python library, and its destination."""

# ruff: noqa: PLR0917  (the order of the arguments is that library's)

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from types import TracebackType
from typing import Any, Self

import requests

from optilocal.forwarder.server import new_id
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.pytest_plugin.fixtures import Optimizely
from optilocal.scenarios.running.emulator_client import new_session

DELIVERED_S = 30.0
_TURN_S = 0.1
_JSON = {"content-type": "application/json"}
Json = Mapping[str, Any] | None


class Segment:
    """A source whose events go to this test's `optimizely`.

    Every call is made over HTTP, and comes back when the forwarder has done all it does with the event, retries included:
    what follows in the test can rely on it. A call answers its message id. Raises CannotRun when Segment refuses.
    """

    write_key = "optilocal"

    def __init__(self, forwarder_url: str, optimizely: Optimizely, ids: Callable[[], str] = new_id) -> None:
        self._optimizely, self._ids = optimizely, ids
        self._session = new_session()
        self.base_url = f"{forwarder_url}/ns/{optimizely.control.namespace}"
        """Segment's API in this namespace: what a library takes as its host."""
        optimizely.follow(self._connect)

    def track(
        self,
        user_id: Any = None,
        event: str | None = None,
        properties: Json = None,
        context: Json = None,
        timestamp: datetime | str | None = None,
        anonymous_id: Any = None,
        integrations: Json = None,
        message_id: str | None = None,
    ) -> str:
        """A track call. A `timestamp` without a zone is UTC."""
        return self._call(
            "track",
            message_id,
            userId=_id(user_id),
            anonymousId=_id(anonymous_id),
            event=event,
            properties=properties or {},
            context=context,
            timestamp=timestamp,
            integrations=integrations,
        )

    def identify(
        self,
        user_id: Any = None,
        traits: Json = None,
        context: Json = None,
        timestamp: datetime | str | None = None,
        anonymous_id: Any = None,
        integrations: Json = None,
        message_id: str | None = None,
    ) -> str:
        """An identify call."""
        return self._call(
            "identify",
            message_id,
            userId=_id(user_id),
            anonymousId=_id(anonymous_id),
            traits=traits or {},
            context=context,
            timestamp=timestamp,
            integrations=integrations,
        )

    def page(
        self,
        user_id: Any = None,
        category: str | None = None,
        name: str | None = None,
        properties: Json = None,
        context: Json = None,
        timestamp: datetime | str | None = None,
        anonymous_id: Any = None,
        integrations: Json = None,
        message_id: str | None = None,
    ) -> str:
        """A page call."""
        return self._call(
            "page",
            message_id,
            userId=_id(user_id),
            anonymousId=_id(anonymous_id),
            category=category,
            name=name,
            properties=properties or {},
            context=context,
            timestamp=timestamp,
            integrations=integrations,
        )

    def screen(
        self,
        user_id: Any = None,
        category: str | None = None,
        name: str | None = None,
        properties: Json = None,
        context: Json = None,
        timestamp: datetime | str | None = None,
        anonymous_id: Any = None,
        integrations: Json = None,
        message_id: str | None = None,
    ) -> str:
        """A screen call."""
        return self._call(
            "screen",
            message_id,
            userId=_id(user_id),
            anonymousId=_id(anonymous_id),
            category=category,
            name=name,
            properties=properties or {},
            context=context,
            timestamp=timestamp,
            integrations=integrations,
        )

    def group(
        self,
        user_id: Any = None,
        group_id: Any = None,
        traits: Json = None,
        context: Json = None,
        timestamp: datetime | str | None = None,
        anonymous_id: Any = None,
        integrations: Json = None,
        message_id: str | None = None,
    ) -> str:
        """A group call."""
        return self._call(
            "group",
            message_id,
            userId=_id(user_id),
            anonymousId=_id(anonymous_id),
            groupId=_id(group_id),
            traits=traits or {},
            context=context,
            timestamp=timestamp,
            integrations=integrations,
        )

    def alias(
        self,
        previous_id: Any = None,
        user_id: Any = None,
        context: Json = None,
        timestamp: datetime | str | None = None,
        integrations: Json = None,
        message_id: str | None = None,
    ) -> str:
        """An alias call."""
        return self._call(
            "alias",
            message_id,
            userId=_id(user_id),
            previousId=_id(previous_id),
            context=context,
            timestamp=timestamp,
            integrations=integrations,
        )

    def delete(
        self, user_id: Any = None, regulation: str = "SUPPRESS_WITH_DELETE", anonymous_id: Any = None
    ) -> str:
        """A regulation on a user, or on an anonymousId; answers its id. Deletions need the setting accessToken."""
        self._require(user_id, anonymous_id)
        kind, subject = ("USER_ID", user_id) if user_id is not None else ("ANONYMOUS_ID", anonymous_id)
        body = {"regulationType": regulation, "subjectType": kind, "subjectIds": [_id(subject)]}
        regulation_id = str(self._send("POST", "/regulations", body)["data"]["regulateId"])
        self._delivered({"regulation": regulation_id}, {"kind": "deletion"})
        return regulation_id

    def configure(self, *, mappings: Sequence[Mapping[str, Any]] | None = None, **settings: Any) -> None:
        """The destination's settings (accountId, dataFileUrl, accessToken) and mappings from now on.

        What is not named stays; the datafile's URL and account follow `optimizely.put_datafile`.
        """
        self._ready()
        if settings:
            self._send("PUT", "/_forwarder/settings", settings)
        if mappings is not None:
            self._send("PUT", "/_forwarder/mappings", list(mappings))

    def _connect(self) -> None:
        connected = {"accountId": self._optimizely.account_id, "dataFileUrl": self._optimizely.datafile_url}
        self._send("PUT", "/_forwarder/settings", connected)

    def _ready(self) -> str:
        """The destination has a datafile: the test's own, or the shop's, put now."""
        return self._optimizely.datafile_url

    def _call(self, kind: str, message_id: str | None, **fields: Any) -> str:
        self._require(fields.get("userId"), fields.get("anonymousId"))
        self._ready()
        message_id = message_id or self._ids()
        body = {name: value for name, value in fields.items() if value is not None}
        self._send("POST", f"/v1/{kind}", {**body, "messageId": message_id, "writeKey": self.write_key})
        self._delivered({"message_id": message_id}, {"message_id": message_id})
        return message_id

    def _require(self, user_id: Any, anonymous_id: Any) -> None:
        if user_id is None and anonymous_id is None:
            raise TypeError("a call needs a user_id or an anonymous_id")

    def _delivered(self, chosen: dict[str, str], filters: dict[str, str]) -> None:
        """Wait until the emulator has heard the end of every delivery chosen."""
        rows = self._send("GET", "/_forwarder/deliveries", params={**chosen, "limit": 1000})["deliveries"]
        wanted = {row["id"] for row in rows}
        end = monotonic() + DELIVERED_S
        count = len(wanted)
        while wanted:
            verdicts = self._optimizely.verdicts(**filters, wait=_TURN_S, count=count)
            ended = {
                row["delivery"]["id"]
                for row in verdicts
                if row.get("delivery") and row["delivery"]["outcome"] != "pending"
            }
            if wanted <= ended:
                return
            if monotonic() > end:
                raise CannotRun(
                    f"{len(wanted - ended)} deliveries have not come to their end in {DELIVERED_S:g} s"
                )
            count = len(verdicts) + 1  # so that the emulator waits a moment for what changes

    def _send(self, method: str, path: str, body: Any = None, **arguments: Any) -> Any:
        data = None if body is None else json.dumps(body, default=_json)
        try:
            answer = self._session.request(
                method, self.base_url + path, data=data, headers=_JSON, timeout=60, **arguments
            )
        except requests.RequestException as error:
            raise CannotRun(f"the forwarder does not answer at {self.base_url}: {error}") from None
        if not answer.ok:
            raise CannotRun(
                f"Segment refused {method} {path}: {answer.status_code} {_reason(answer)}"
            ) from None
        return answer.json()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._session.close()


def _id(value: Any) -> str | None:
    """An id as text, as Segment's library sends it."""
    return None if value is None else str(value)


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    raise TypeError(f"{type(value).__name__} is nothing that JSON carries")


def _reason(answer: requests.Response) -> str:
    """Why the forwarder refused, wherever in its answer that stands."""
    try:
        body = answer.json()
        if "errors" in body:
            return str(body["errors"][0]["message"])
        return str(body["error"]["message"] if "error" in body else body["message"])
    except (ValueError, KeyError, TypeError, IndexError):
        return answer.text[:200]
