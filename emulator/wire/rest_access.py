"""Who may use the imitated REST API: whoever brings a bearer token that is taken here."""

import re

from flask import request

from optilocal.emulator.context import context
from optilocal.emulator.wire.exchange import Answer
from optilocal.emulator.wire.rest_errors import rest_error

# Where no token was named, any will do but one that says of itself that it must not.
_REFUSED_TOKEN = re.compile(r"(^|[^a-z])(wrong|invalid|bad|expired|revoked)([^a-z]|$)", re.IGNORECASE)


def refused() -> Answer | None:
    """401 without a bearer token, 403 with one that is wrong, None otherwise."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return rest_error(401, "unauthorized", "Unauthorized")
    known = context().settings.access_tokens
    if token.strip() not in known if known else _REFUSED_TOKEN.search(token):
        return rest_error(403, "forbidden", "Authentication Failed")
    return None
