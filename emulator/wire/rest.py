"""What all addresses of Optimizely's REST API share: the error envelope, and who may use them."""

import re
from collections.abc import Callable, Mapping

from flask import request

from optilocal.emulator.context import context
from optilocal.emulator.json_text import dumps
from optilocal.emulator.wire.exchange import Answer

JSON = {"Content-Type": "application/json"}
# Without --access-token any token is taken, except one that calls itself wrong, so that a test can send a wrong one.
_REFUSED_TOKEN = re.compile(r"(^|[^a-z])(wrong|invalid|bad|expired|revoked)([^a-z]|$)", re.IGNORECASE)


def rest_error(
    status: int,
    code: str,
    message: str,
    *,
    messages: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    new_id: Callable[[], str] | None = None,
) -> Answer:
    """An error answer, `{"code", "message", "messages", "uuid"}`; `messages` are the field errors."""
    envelope: dict[str, object] = {"code": code, "message": message}
    if messages:
        envelope["messages"] = dict(messages)
    envelope["uuid"] = (new_id or context().new_id)()
    return Answer(status, dumps(envelope).encode(), {**JSON, **(headers or {})})


def bearer_token() -> str:
    """The bearer token of the current request, empty without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refused() -> Answer | None:
    """401 without a bearer token, 403 with one that is wrong, None otherwise."""
    token = bearer_token()
    if not token:
        return rest_error(401, "unauthorized", "Unauthorized")
    known = context().settings.access_tokens
    if token not in known if known else _REFUSED_TOKEN.search(token):
        return rest_error(403, "forbidden", "Authentication Failed")
    return None
