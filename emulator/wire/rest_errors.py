"""Optimizely's own error envelope, `{"code", "message", "messages", "uuid"}`, as its REST API sends it."""

from collections.abc import Callable, Mapping

from optilocal.emulator.context import context
from optilocal.emulator.json_text import dumps
from optilocal.emulator.wire.exchange import Answer

JSON = {"Content-Type": "application/json"}


def rest_error(
    status: int,
    code: str,
    message: str,
    *,
    messages: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body_kept: bytes | None = None,
    new_id: Callable[[], str] | None = None,
) -> Answer:
    """An error answer of the imitated surface; `messages` are the field errors."""
    envelope: dict[str, object] = {"code": code, "message": message}
    if messages:
        envelope["messages"] = dict(messages)
    envelope["uuid"] = (new_id or context().new_id)()
    return Answer(status, dumps(envelope).encode(), {**JSON, **(headers or {})}, body_kept=body_kept)
