"""Errors by code, in one table for each server, with one JSON shape."""

import json
from collections.abc import Mapping
from typing import ClassVar

from flask import Response

COMMON: Mapping[str, int] = {
    "bad_request": 400,
    "invalid_json": 400,
    "invalid_parameter": 400,
    "invalid_namespace": 400,
    "unauthorized": 401,
    "foreign_host": 403,
    "foreign_origin": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "too_large": 413,
    "simple_request": 415,
    "headers_too_large": 431,
    "internal_error": 500,
}
"""Code → HTTP status of the errors that both servers have."""


class Problem(Exception):
    """An error of the table: its code, and one sentence that says what is wrong, where, and what to do."""

    statuses: ClassVar[Mapping[str, int]] = COMMON

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status of its code."""
        return self.statuses[self.code]


def problem_body(code: str, message: str) -> bytes:
    """`{"error": {"code", "message"}}`."""
    return json.dumps({"error": {"code": code, "message": message}}).encode()


def problem_response(problem: Problem) -> Response:
    """The problem's body with its status and headers."""
    body = problem_body(problem.code, problem.message)
    return Response(body, problem.status, problem.headers, content_type="application/json")
