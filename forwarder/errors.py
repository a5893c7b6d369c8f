"""Segment's error classes, with the names and texts that Segment shows."""

from collections.abc import Sequence
from typing import Any


class DestinationError(Exception):
    """An error of the destination.

    `name`, `message`, `status` and `code` are what Segment shows: the JavaScript class, its text, the HTTP status and the
    code, which are None where Segment's error has none. This class itself is JavaScript's `Error`.
    """

    name = "Error"
    status: int | None = None
    code: str | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def details(self) -> list[str]:
        """Every message, in order; most errors have one."""
        return [self.message]

    def members(self) -> dict[str, Any]:
        """`{"name", "message", "status", "code"}`; `status` and `code` may be None."""
        return {"name": self.name, "message": self.message, "status": self.status, "code": self.code}

    def as_json(self) -> dict[str, Any]:
        """The members that have a value."""
        return {name: value for name, value in self.members().items() if value is not None}


class JavaScriptTypeError(DestinationError):
    """`TypeError` on the wire: the JavaScript engine throws it for a value of a wrong type."""

    name = "TypeError"


class JavaScriptRangeError(DestinationError):
    """`RangeError` on the wire: an invalid date, a stack too deep."""

    name = "RangeError"


class InvalidURLError(JavaScriptTypeError):
    """A URL that cannot be parsed."""

    code = "ERR_INVALID_URL"

    def __init__(self) -> None:
        super().__init__("Invalid URL")


class IntegrationError(DestinationError):
    """Segment's base class for errors that carry a code and a status (@segment/actions-core errors.ts)."""

    name = "IntegrationError"

    def __init__(self, message: str, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class PayloadValidationError(IntegrationError):
    """An event that cannot be sent as it is."""

    name = "PayloadValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message, "PAYLOAD_VALIDATION_FAILED", 400)


class InvalidAuthenticationError(DestinationError):
    """Settings without the token that a call needs."""

    name = "InvalidAuthenticationError"
    status = 401
    code = "INVALID_AUTHENTICATION"


class HTTPError(DestinationError):
    """An HTTP answer with a status outside 2xx, `response`; the message is its reason phrase."""

    name = "HTTPError"

    def __init__(self, message: str, response: Any) -> None:
        super().__init__(message)
        self.response = response
        self.status = response.status


class RequestTimedOut(DestinationError):
    """`TimeoutError` on the wire: no answer within `timeout_ms` milliseconds."""

    name = "TimeoutError"
    code = "ETIMEDOUT"

    def __init__(self, timeout_ms: int = 10_000) -> None:
        super().__init__(f"Request timed out after {timeout_ms}ms")


class FetchError(DestinationError):
    """The connection failed; `code` is ECONNREFUSED, ECONNRESET, ENOTFOUND, … where Node's client has one."""

    name = "FetchError"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class AggregateAjvError(DestinationError):
    """Settings or a payload that do not match their schema: every message, joined by a space.

    Source: @segment/ajv-human-errors.
    """

    name = "AggregateAjvError"
    status = 400

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__(" ".join(messages))
        self._messages = list(messages)

    @property
    def details(self) -> list[str]:
        return list(self._messages)


class ValidationError(DestinationError):
    """One mistake in a mapping's configuration: `/<path> <what>.`"""

    name = "ValidationError"

    def __init__(self, what: str, path: Sequence[str] = ()) -> None:
        super().__init__(f"/{'/'.join(path)} {what}.")


class AggregateError(DestinationError):
    """Every mistake in a mapping's configuration, one a line; Segment's text without its JavaScript stack lines.

    In the text Segment replaces backslashes by slashes and drops blank lines; `details` has the messages unchanged.
    """

    name = "AggregateError"

    def __init__(self, errors: Sequence[DestinationError]) -> None:
        text = "\n".join(f"{error.name}: {error.message}" for error in errors).replace("\\", "/")
        super().__init__("\n" + "\n".join(f"    {line}" for line in text.split("\n") if line.strip()))
        self.errors = list(errors)

    @property
    def details(self) -> list[str]:
        return [error.message for error in self.errors]


class LiquidParseError(DestinationError):
    """`ParseError` on the wire: a Liquid template that cannot be parsed."""

    name = "ParseError"


class LiquidTokenizationError(LiquidParseError):
    """`TokenizationError` on the wire: a Liquid tag or output that is not closed."""

    name = "TokenizationError"


class LiquidRenderError(DestinationError):
    """`RenderError` on the wire: a Liquid template that fails while it is rendered."""

    name = "RenderError"
