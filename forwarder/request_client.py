"""Segment's request client over `requests`: real URLs in, local hosts out, and a record of every exchange."""

from __future__ import annotations

import errno
import json as json_module
import os
import re
import socket
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import BadStatusLine, RemoteDisconnected
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Retry
from urllib3 import exceptions as urllib3_errors

from forwarder.clock import Clock
from forwarder.errors import DestinationError, FetchError, JavaScriptTypeError, RequestTimedOut
from forwarder.hosts import host_of, local_url, purpose
from forwarder.javascript import UNDEFINED
from forwarder.js_json import to_json
from forwarder.wire import Response

TIMEOUT_S = 10.0
MAX_REDIRECTS = 20
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HOSTS = 64
SHOWN_CHARACTERS = 4096
HEADERS = {"accept": "*/*", "accept-encoding": "gzip,deflate", "user-agent": "Segment (Actions)"}
LOOPBACK = re.compile(r"localhost|.*\.localhost|127(\.\d+){3}|::1", re.IGNORECASE)

_PLAIN_URL = re.compile(
    r"(?P<where>http://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?)"
    r"(?P<path>(?!.*/\.)/[A-Za-z0-9/_.~!$&'()*+,;=:@?-]*)\Z"
)
"""What is asked for as it stands; any other URL is left to `requests` to be spelt."""

# As urllib3 reads `retries=False`: whatever goes wrong is raised as it is.
_NO_RETRIES = Retry(total=False, redirect=False)


@dataclass(frozen=True)
class Exchange:
    """One request and what came of it. `shown` is a row of a delivery's `requests`; `answer` is the whole
    answer, or None where there was none.
    """

    shown: dict[str, Any]
    answer: Response | None


class PooledSession(requests.Session):
    """A session with Segment's headers, at most `pool` idle connections a host.

    Segment closes its connection after every request; here they are kept, which no server can tell from the
    message. Plain HTTP without a proxy goes straight to urllib3's pool: what `requests` does around it,
    cookies and all, Segment's client does not do, and it takes as long again as the request.
    """

    def __init__(self, pool: int = 8) -> None:
        super().__init__()
        # Else a password from ~/.netrc would take the place of the destination's own Authorization.
        self.trust_env = False
        self.headers.clear()
        self.headers.update(HEADERS)
        # A cookie that an answer sets is never sent back.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=8, pool_maxsize=pool, max_retries=0)
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self._pool = pool
        self._direct: OrderedDict[str, HTTPConnectionPool | None] = OrderedDict()
        self._direct_lock = threading.Lock()

    def direct(self, target: str) -> tuple[HTTPConnectionPool, str] | None:
        """The pool that reaches `target` and the path to ask it for; None where that takes `requests` itself."""
        found = _PLAIN_URL.match(target)
        if found is None:
            return None
        where = found["where"]
        with self._direct_lock:
            if where not in self._direct:
                self._direct[where] = self._new_pool(found, target)
                while len(self._direct) > MAX_HOSTS:
                    self._direct.popitem(last=False)
            pool = self._direct[where]
        return None if pool is None else (pool, found["path"])

    def _new_pool(self, found: re.Match[str], target: str) -> HTTPConnectionPool | None:
        if _proxies(target):
            return None
        host, port = found["host"], int(found["port"] or 80)
        return HTTPConnectionPool(host, port, maxsize=self._pool, block=False) if port < 65536 else None

    def close(self) -> None:
        """Closes every connection."""
        super().close()
        with self._direct_lock:
            for pool in self._direct.values():
                if pool is not None:
                    pool.close()
            self._direct.clear()


def _proxies(target: str) -> Mapping[str, str]:
    # A proxy of the environment must never get between the forwarder and an emulator on the same machine.
    if LOOPBACK.fullmatch(host_of(target)):
        return {}
    return requests.utils.get_environ_proxies(target)


def open_session(pool: int = 8) -> PooledSession:
    """A session for many threads, at most `pool` idle connections a host."""
    return PooledSession(pool)


def ask(
    session: requests.Session,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
    timeout_s: float,
) -> BaseHTTPResponse:
    """One request, no redirect followed; the answer's body is still to be read.

    Raises what `requests` and urllib3 raise.
    """
    direct = session.direct(target) if isinstance(session, PooledSession) else None
    if direct is None:
        return _through_requests(session, method, target, body, headers, timeout_s)
    pool, path = direct
    return pool.urlopen(
        method,
        path,
        body=body,
        headers={**HEADERS, **headers},
        timeout=timeout_s,
        retries=_NO_RETRIES,
        redirect=False,
        assert_same_host=False,
        preload_content=False,
    )


def _through_requests(
    session: requests.Session,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
    timeout_s: float,
) -> BaseHTTPResponse:
    prepared = session.prepare_request(requests.Request(method, target, data=body, headers=headers))
    authorities = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    answer = session.send(
        prepared,
        timeout=timeout_s,
        allow_redirects=False,
        stream=True,
        proxies=dict(_proxies(target)),
        verify=authorities,
    )
    raw: BaseHTTPResponse = answer.raw
    return raw


@dataclass
class RequestClient:
    """The client of one attempt: the calls that the destination makes with it are kept in `exchanges`.

    `optimizely` is the emulator's base URL with its `/ns/<name>`; `attempt` numbers the rows (1, 2, …).
    """

    session: requests.Session
    optimizely: str
    clock: Clock
    attempt: int = 1
    timeout_s: float = TIMEOUT_S
    exchanges: list[Exchange] = field(default_factory=list)

    def request(
        self, method: str, url: str, *, json: Any = UNDEFINED, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Makes one call, follows its redirects, and returns whatever was answered.

        Raises `FetchError` or `RequestTimedOut`, with the texts that Node's client has for them, where there
        was no answer.
        """
        shown: dict[str, Any] = {
            "attempt": self.attempt,
            "to": purpose(method, url),
            "method": method,
            "url": url,
            "sent_to": local_url(url, self.optimizely),
            "json": None,
            "status": None,
            "reason": None,
            "response": None,
            "error": None,
            "at": self.clock.now_ms(),
        }
        body = None
        sent = {str(name): str(value) for name, value in (headers or {}).items()}
        if json is not UNDEFINED:
            text = to_json(json)
            # What is shown is what went over the wire, where Infinity has become null.
            shown["json"] = json_module.loads(text)
            body = text.encode("utf-8", "surrogatepass")
            sent["content-type"] = "application/json"
        try:
            answer = self._follow(method, url, body, sent)
        except DestinationError as error:
            shown["error"] = error.message
            self.exchanges.append(Exchange(shown, None))
            raise
        shown.update(status=answer.status, reason=answer.reason, response=answer.text[:SHOWN_CHARACTERS])
        self.exchanges.append(Exchange(shown, answer))
        return answer

    def _follow(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Response:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._send(method, url, body, headers)
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
        raise FetchError(f"maximum redirect reached at: {url}", type="max-redirect")

    def _send(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Response:
        target = local_url(url, self.optimizely)
        try:
            found = ask(self.session, method, target, body, headers, self.timeout_s)
        except (requests.RequestException, urllib3_errors.HTTPError, OSError, ValueError) as error:
            # To urllib3 a connection that is refused is one that timed out.
            refused = isinstance(error, urllib3_errors.NewConnectionError)
            if isinstance(error, requests.Timeout | urllib3_errors.TimeoutError) and not refused:
                raise RequestTimedOut(round(self.timeout_s * 1000)) from error
            code, reason = describe_failure(error, target)
            raise FetchError(f"request to {url} failed, reason: {reason}", code) from error
        try:
            text = self._read(found, url)
        except BaseException:
            # What is left of a broken answer must not be read as the next one.
            found.close()
            raise
        finally:
            found.release_conn()
        names = {name.lower(): value for name, value in found.headers.items()}
        return Response(found.status, found.reason or "", names, text)

    def _read(self, found: BaseHTTPResponse, url: str) -> str:
        chunks, size = [], 0
        try:
            for chunk in found.stream(65536, decode_content=True):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise FetchError(f"content size at {url} over limit: {MAX_BODY_BYTES}", type="max-size")
        except urllib3_errors.DecodeError as error:
            raise _unreadable(url, "incorrect header check", "Z_DATA_ERROR") from error
        except (urllib3_errors.HTTPError, OSError) as error:
            raise _unreadable(url, "aborted", "ECONNRESET") from error
        return b"".join(chunks).decode("utf-8", "replace")


def _unreadable(url: str, why: str, code: str) -> FetchError:
    return FetchError(f"Invalid response body while trying to fetch {url}: {why}", code)


def describe_failure(error: BaseException, target: str) -> tuple[str | None, str]:
    """The code and the reason that Node's client gives for a connection to `target` that failed."""
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
    found: list[BaseException] = []
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop(0)
        if any(current is seen for seen in found):
            continue
        found.append(current)
        near = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting.extend(one for one in near if isinstance(one, BaseException))
    return found


def _port(target: str) -> int:
    parts = urlsplit(target)
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0
