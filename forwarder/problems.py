"""The errors of the forwarder's own addresses: one table, one JSON shape."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Response

STATUS: Mapping[str, int] = {
    "bad_request": 400,
    "invalid_json": 400,
    "invalid_settings": 400,
    "invalid_mappings": 400,
    "invalid_platform": 400,
    "invalid_parameter": 400,
    "invalid_namespace": 400,
    "foreign_host": 403,
    "foreign_origin": 403,
    "not_found": 404,
    "unknown_delivery": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "overloaded": 429,
    "internal_error": 500,
    "spool_failed": 503,
}


class Problem(Exception):
    """An error of the table, with a sentence that says what is wrong, where, and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def problem_body(problem: Problem) -> bytes:
    """`{"error": {"code", "message"}}`."""
    return json.dumps({"error": {"code": problem.code, "message": problem.message}}).encode()


def problem_response(problem: Problem) -> Response:
    """The problem's body with the status of its code."""
    return Response(problem_body(problem), STATUS[problem.code], content_type="application/json")
