"""The one shape of an error in JSON."""

import json


def problem_body(code: str, message: str) -> bytes:
    """`{"error": {"code", "message"}}`."""
    return json.dumps({"error": {"code": code, "message": message}}).encode()
