"""Errors by name, in one table, with the one JSON shape of the control surface."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response

from optilocal.emulator.json_text import dumps

STATUS: Mapping[str, int] = {
    "bad_request": HTTPStatus.BAD_REQUEST,
    "invalid_json": HTTPStatus.BAD_REQUEST,
    "invalid_datafile": HTTPStatus.BAD_REQUEST,
    "invalid_fault": HTTPStatus.BAD_REQUEST,
    "invalid_clock": HTTPStatus.BAD_REQUEST,
    "invalid_prediction": HTTPStatus.BAD_REQUEST,
    "invalid_delivery": HTTPStatus.BAD_REQUEST,
    "invalid_run": HTTPStatus.BAD_REQUEST,
    "invalid_parameter": HTTPStatus.BAD_REQUEST,
    "invalid_namespace": HTTPStatus.BAD_REQUEST,
    "foreign_host": HTTPStatus.FORBIDDEN,
    "foreign_origin": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "unknown_datafile": HTTPStatus.NOT_FOUND,
    "unknown_run": HTTPStatus.NOT_FOUND,
    "unknown_rule": HTTPStatus.NOT_FOUND,
    "unknown_prediction": HTTPStatus.NOT_FOUND,
    "unknown_request": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "already_processed": HTTPStatus.CONFLICT,
    "no_export": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_namespaces": HTTPStatus.TOO_MANY_REQUESTS,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "journal_failed": HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Problem(Exception):
    """An error of the table: its code, and one sentence that says what, where and what to do."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return int(STATUS[self.code])


def problem_response(problem: Problem) -> Response:
    """`{"error": {"code", "message"}}` with the problem's status."""
    body = dumps({"error": {"code": problem.code, "message": problem.message}})
    return Response(body, problem.status, problem.headers, content_type="application/json")
