"""Segment's request client on `requests`: it takes real URLs and sends to local hosts."""

import errno
import socket
from collections.abc import Callable, Mapping
from http.client import BadStatusLine, RemoteDisconnected
from urllib.parse import urljoin, urlsplit

import requests
from urllib3 import exceptions as urllib3_errors

from optilocal.forwarder.clock import Clock
from optilocal.forwarder.destination.wire import Response
from optilocal.forwarder.errors import FetchError, JavaScriptTypeError, RequestTimedOut
from optilocal.forwarder.http.hosts import host_of, local_url
from optilocal.forwarder.http.recording import Exchange, RecordingClient
from optilocal.forwarder.http.session import (
    MAX_BODY_BYTES,
    NOT_REACHED,
    BodyError,
    BodyTooLarge,
    HttpSession,
    PrivateAddress,
)

TIMEOUT_S = 10.0
MAX_REDIRECTS = 20


class RequestClient(RecordingClient):
    """Sends over the network; an answer is awaited for `timeout_s` seconds."""

    def __init__(
        self,
        session: HttpSession,
        optimizely: str,
        clock: Clock,
        *,
        attempt: int = 1,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        super().__init__(optimizely, clock, attempt=attempt)
        self._session = session
        self._timeout_s = timeout_s

    def send(self, exchange: Exchange, headers: Mapping[str, str]) -> Response:
        """Makes one call, follows its redirects, and returns the answer, whatever its status.

        Raises `FetchError` or `RequestTimedOut`, with the texts of Node's client, where there was no answer.
        """
        body, sent = None, {str(name): str(value) for name, value in headers.items()}
        if exchange.text is not None:
            body = exchange.text.encode("utf-8", "surrogatepass")
            sent["content-type"] = "application/json"
        return self._follow(exchange.method, exchange.url, body, sent)

    def _follow(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Response:
        public_only = False
        for hop in range(MAX_REDIRECTS + 1):
            answer, private = self._ask(method, url, body, headers, public_only)
            if hop == 0:
                # A public host must not redirect to a private address, which only this machine or its network can reach.
                public_only = not private
            location = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            target = urljoin(url, location)
            scheme = urlsplit(target).scheme
            if scheme not in ("http", "https"):
                raise JavaScriptTypeError("Only HTTP(S) protocols are supported")
            if host_of(target) != host_of(url):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, body = "GET", None
                headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
            url = target
        raise FetchError(f"maximum redirect reached at: {url}")

    def _ask(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], public_only: bool
    ) -> tuple[Response, bool]:
        target = local_url(url, self.optimizely)
        try:
            answered = self._session.ask(
                method, target, body, headers, self._timeout_s, public_only=public_only
            )
        except PrivateAddress as error:
            why = f"the redirect to {url} was not followed: it leads from a public host to {error.address}"
            raise FetchError(why) from error
        except BodyTooLarge as error:
            raise FetchError(f"content size at {url} over limit: {MAX_BODY_BYTES}") from error
        except BodyError as error:
            why = f"Invalid response body while trying to fetch {url}: {error.why}"
            raise FetchError(why, error.code) from error
        except NOT_REACHED as error:
            if isinstance(error, requests.Timeout | TimeoutError):
                raise RequestTimedOut(round(self._timeout_s * 1000)) from error
            code, reason = describe_failure(error, target)
            raise FetchError(f"request to {url} failed, reason: {reason}", code) from error
        text = answered.body.decode("utf-8", "replace")
        return Response(answered.status, answered.reason, answered.headers, text), answered.private


def sending_client(session: HttpSession, optimizely: str, clock: Clock) -> Callable[[int], RequestClient]:
    """What makes the client of an attempt from its number."""
    return lambda attempt: RequestClient(session, optimizely, clock, attempt=attempt)


def describe_failure(error: BaseException, target: str) -> tuple[str | None, str]:
    """The code and the reason of Node's client for a failed connection to `target`."""
    parts = urlsplit(target)
    host = parts.hostname or ""
    where = f"{host}:{_port(target)}"
    text = str(error)
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror | urllib3_errors.NameResolutionError):
            return "ENOTFOUND", f"getaddrinfo ENOTFOUND {host}"
        if isinstance(cause, OSError) and cause.errno in _CONNECT_CODES:
            code = _CONNECT_CODES[cause.errno]
            return code, f"connect {code} {where}"
        if isinstance(cause, RemoteDisconnected):
            return "ECONNRESET", "socket hang up"
        if isinstance(cause, ConnectionResetError):
            return "ECONNRESET", "read ECONNRESET"
        if isinstance(cause, BrokenPipeError):
            return "EPIPE", "write EPIPE"
        if isinstance(cause, BadStatusLine):
            return "HPE_INVALID_CONSTANT", "Parse Error: Expected HTTP/, RTSP/ or ICE/"
    return None, text.splitlines()[0] if text else type(error).__name__


_CONNECT_CODES = {
    errno.ECONNREFUSED: "ECONNREFUSED",
    errno.EHOSTUNREACH: "EHOSTUNREACH",
    errno.ENETUNREACH: "ENETUNREACH",
    errno.ETIMEDOUT: "ETIMEDOUT",
    errno.ECONNABORTED: "ECONNABORTED",
}


def _causes(error: BaseException) -> list[BaseException]:
    """The error and every error that it was raised from, wraps or names."""
    causes: list[BaseException] = []
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop(0)
        if any(current is seen for seen in causes):
            continue
        causes.append(current)
        near = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(cause for cause in near if isinstance(cause, BaseException))
    return causes


def _port(target: str) -> int:
    parts = urlsplit(target)
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0
