"""A Segment source with the memory of analytics.js: who the user is, from one call to the next."""

from collections.abc import Callable
from typing import Any

from optilocal.emulator.json_text import as_object
from optilocal.forwarder.pipeline.source_event import iso_time
from optilocal.scenarios.language.matchers import Matcher

_LIBRARY = {"name": "analytics.js", "version": "next-1.84.1"}
_USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
_PAGE = {"path": "/", "referrer": "", "search": "", "title": "Shop", "url": "https://shop.example/"}


class Source:
    """Makes source events of the shape that reaches a destination: after ingestion, with every time in them.

    `ids` gives UUIDs. Explicit fields of a call win over the memory; `!absent` leaves a field out.
    """

    def __init__(self, ids: Callable[[], str]) -> None:
        self._ids = ids
        self.forget()

    def forget(self) -> None:
        """analytics.reset(): a new anonymousId, no userId, no traits, no group."""
        self._anonymous_id: str = self._ids()
        self._user_id: Any = None
        self._group_id: Any = None

    def call(self, kind: str, arguments: dict[str, Any] | None, now_ms: int) -> dict[str, Any]:
        """The event of one call at a time (ms)."""
        arguments = arguments or {}
        self._remember(kind, arguments)
        now = iso_time(now_ms)
        event: dict[str, Any] = {
            "type": kind,
            "messageId": f"ajs-next-{now_ms}-{self._ids()}",
            "anonymousId": self._anonymous_id,
            "userId": self._user_id,
            "timestamp": now,
            "originalTimestamp": now,
            "sentAt": now,
            "receivedAt": now,
            "channel": "client",
            "version": 2,
            "projectId": "optilocal",
            "integrations": {},
        }
        event.update(self._body(kind, arguments))
        event["context"] = {**self._context(), **as_object(arguments.get("context"))}
        if "context" in arguments and not isinstance(arguments["context"], dict):
            event["context"] = arguments["context"]
        for field in ("userId", "anonymousId", "messageId", "timestamp", "integrations"):
            if field in arguments:
                event[field] = arguments[field]
        return {name: value for name, value in event.items() if not isinstance(value, Matcher)}

    def _remember(self, kind: str, arguments: dict[str, Any]) -> None:
        """identify sets who the user is; another user on the same device gets a new anonymousId."""
        user_id = arguments.get("userId")
        if kind == "identify" and isinstance(user_id, str) and user_id:
            if self._user_id not in (None, user_id):
                self._anonymous_id = self._ids()
            self._user_id = user_id
        elif kind == "group":
            self._group_id = arguments.get("groupId")

    def _body(self, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if kind == "track":
            return {"event": arguments["event"], "properties": arguments.get("properties", {})}
        if kind in ("page", "screen"):
            properties = arguments.get("properties", {})
            if kind == "page" and isinstance(properties, dict):
                properties = {**_PAGE, **properties}
            body = {"properties": properties}
            body.update({key: arguments[key] for key in ("name", "category") if key in arguments})
            return body
        if kind == "alias":
            return {"previousId": arguments.get("previousId", self._user_id or self._anonymous_id)}
        body = {"traits": arguments.get("traits", {})}
        if kind == "group":
            body["groupId"] = arguments["groupId"]
        return body

    def _context(self) -> dict[str, Any]:
        context: dict[str, Any] = {
            "library": dict(_LIBRARY),
            "locale": "en-US",
            "page": dict(_PAGE),
            "userAgent": _USER_AGENT,
        }
        if self._group_id is not None:
            context["groupId"] = self._group_id
        return context
