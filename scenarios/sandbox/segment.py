"""Segment as one test sees it: a source with the arguments of Segment's own Python library, and its destination."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partialmethod
from time import monotonic
from typing import Any, Self

import requests

from optilocal.forwarder.server import new_id
from optilocal.scenarios.language.datafiles import cdn_url
from optilocal.scenarios.language.problems import CannotRun, alternatives
from optilocal.scenarios.running.emulator_client import new_session
from optilocal.scenarios.running.verdict_feed import is_pending
from optilocal.scenarios.sandbox.optimizely import Optimizely

DELIVERED_S = 30.0
_TURN_S = 0.1
_JSON = {"content-type": "application/json"}
_COMMON = ("context", "timestamp", "anonymous_id", "integrations", "message_id")
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "track": ("user_id", "event", "properties", *_COMMON),
    "identify": ("user_id", "traits", *_COMMON),
    "page": ("user_id", "category", "name", "properties", *_COMMON),
    "screen": ("user_id", "category", "name", "properties", *_COMMON),
    "group": ("user_id", "group_id", "traits", *_COMMON),
    "alias": ("previous_id", "user_id", "context", "timestamp", "integrations", "message_id"),
}
"""Each call's arguments, in the order that `segment.analytics.client.Client` has them (segment-analytics-python 2.4.0)."""
_FIELDS = {
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "group_id": "groupId",
    "previous_id": "previousId",
    "message_id": "messageId",
}
_IDS = ("user_id", "anonymous_id", "group_id", "previous_id")
_ALWAYS_SENT = ("properties", "traits")
SURFACES = ("mappings", "filters", "consent", "schema", "schema_filter", "transformations")
"""What `configure` sets at an address of its own; everything else is a setting of the destination."""


class Segment:
    """A source whose events go to this test's `optimizely`: the fixture `segment`, and `optilocal.sandbox()`'s attribute.

    Every call is made over HTTP, and comes back when the forwarder has done all it does with the event, retries included:
    what follows in the test can rely on it. A call answers its message id. Raises CannotRun when Segment refuses.
    """

    write_key = "optilocal"

    def __init__(self, forwarder_url: str, optimizely: Optimizely, ids: Callable[[], str] = new_id) -> None:
        self._optimizely, self._ids = optimizely, ids
        self._session = new_session()
        namespace = optimizely.control.namespace
        self.base_url = forwarder_url if namespace is None else f"{forwarder_url}/ns/{namespace}"
        """Segment's API in this namespace: what a library takes as its host."""
        optimizely.follow(self._connect)

    def _call(self, kind: str, *positional: Any, **named: Any) -> str:
        """A call of one kind, with the arguments that `ARGUMENTS` lists; answers its message id.

        A `timestamp` without a zone is UTC. Raises TypeError for arguments that the call does not take.
        """
        arguments = _arguments(kind, positional, named)
        self._require(arguments.get("user_id"), arguments.get("anonymous_id"))
        self._ready()
        for name in _IDS:
            if name in arguments:
                arguments[name] = str(arguments[name])
        body = {_FIELDS.get(name, name): value for name, value in arguments.items()}
        body.update({name: {} for name in _ALWAYS_SENT if name in ARGUMENTS[kind] and name not in body})
        message_id = str(body.setdefault("messageId", self._ids()))
        self._send("POST", f"/v1/{kind}", {**body, "writeKey": self.write_key})
        self._delivered({"message_id": message_id}, {"message_id": message_id})
        return message_id

    track = partialmethod(_call, "track")
    identify = partialmethod(_call, "identify")
    page = partialmethod(_call, "page")
    screen = partialmethod(_call, "screen")
    group = partialmethod(_call, "group")
    alias = partialmethod(_call, "alias")

    def delete(
        self, user_id: Any = None, regulation: str = "SUPPRESS_WITH_DELETE", anonymous_id: Any = None
    ) -> str:
        """A regulation on a user, or on an anonymousId; answers its id. Deletions need the setting accessToken."""
        self._require(user_id, anonymous_id)
        kind, subject = ("USER_ID", user_id) if user_id is not None else ("ANONYMOUS_ID", anonymous_id)
        body = {"regulationType": regulation, "subjectType": kind, "subjectIds": [str(subject)]}
        regulation_id = str(self._send("POST", "/regulations", body)["data"]["regulateId"])
        self._delivered({"regulation": regulation_id}, {"kind": "deletion"})
        return regulation_id

    def configure(self, **settings: Any) -> None:
        """The destination's settings (accountId, dataFileUrl, accessToken), its `mappings`, and what Segment does before
        them (`filters`, `consent`, `schema`, `transformations`) from now on.

        What is not named stays; the datafile's URL (or `sdkKey`) and account follow `optimizely.put_datafile`.
        """
        self._ready()
        own = {name: value for name, value in settings.items() if name not in SURFACES}
        if "sdkKey" in own:
            own.setdefault("dataFileUrl", cdn_url(str(own.pop("sdkKey"))))
        if own:
            self._send("PUT", "/_forwarder/settings", own)
        for name in SURFACES:
            if settings.get(name) is not None:
                self._send("PUT", f"/_forwarder/{name.replace('_', '-')}", settings[name])

    def _connect(self) -> None:
        connected = {"accountId": self._optimizely.account_id, "dataFileUrl": self._optimizely.datafile_url}
        self._send("PUT", "/_forwarder/settings", connected)

    def _ready(self) -> str:
        """The destination has a datafile: the test's own, or the shop's, put now."""
        return self._optimizely.datafile_url

    def _require(self, user_id: Any, anonymous_id: Any) -> None:
        if user_id is None and anonymous_id is None:
            raise TypeError("a call needs a user_id or an anonymous_id")

    def _delivered(self, chosen: dict[str, str], filters: dict[str, str]) -> None:
        """Wait until the emulator has the last report of every delivery chosen."""
        rows = self._send("GET", "/_forwarder/deliveries", params={**chosen, "limit": 1000})["deliveries"]
        wanted = {row["id"] for row in rows}
        end = monotonic() + DELIVERED_S
        count = len(wanted)
        while wanted:
            verdicts = self._optimizely.verdicts(**filters, wait=_TURN_S, count=count)
            ended = {row["delivery"]["id"] for row in verdicts if row.get("delivery") and not is_pending(row)}
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

    def __exit__(self, *_: object) -> None:
        self._session.close()


def _arguments(kind: str, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, without those that are None. Raises TypeError."""
    known = ARGUMENTS[kind]
    if len(positional) > len(known):
        raise TypeError(f"{kind} takes at most {len(known)} arguments: {', '.join(known)}")
    arguments = dict(zip(known, positional, strict=False))
    for name, value in named.items():
        if name not in known:
            raise TypeError(f"{kind} has no argument {name!r}{alternatives(name, known)}")
        if name in arguments:
            raise TypeError(f"{kind} was given {name!r} twice")
        arguments[name] = value
    return {name: value for name, value in arguments.items() if value is not None}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _reason(answer: requests.Response) -> str:
    """Why the forwarder refused, wherever in its answer that stands."""
    try:
        body = answer.json()
        if "errors" in body:
            return str(body["errors"][0]["message"])
        return str(body["error"]["message"] if "error" in body else body["message"])
    except (ValueError, KeyError, TypeError, IndexError):
        return answer.text[:200]
