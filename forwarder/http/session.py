"""The forwarder's HTTP session: `requests`, with Segment's headers and one deadline for each whole request."""

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection, HTTPSConnection

from optilocal.serving.loopback import is_loopback

HEADERS = {"accept": "*/*", "accept-encoding": "gzip,deflate", "user-agent": "Segment (Actions)"}
MAX_BODY_BYTES = 64 * 1024 * 1024

NOT_REACHED = (requests.RequestException, urllib3_errors.HTTPError, HTTPException, OSError, ValueError)
"""The errors of a request without an answer."""

# Seconds between two checks of the current requests, and so the precision of their deadlines.
_LOOKS_EVERY = 0.25


@dataclass(frozen=True)
class Answer:
    """An answer with its body unpacked. `headers` have lower-case names; `private` says whether it came directly from a
    loopback or private address.
    """

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    private: bool = False


class BodyError(Exception):
    """An answer whose body could not be read to its end: the text of Node's client, and its code."""

    def __init__(self, why: str, code: str) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class BodyTooLarge(Exception):
    """An answer of more than `MAX_BODY_BYTES`."""


class PrivateAddress(Exception):
    """A request that may reach public addresses alone was redirected to this loopback or private address."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class Aborted(Exception):
    """The session was aborted; whether the request arrived is not known."""


class _Attempt:
    """One current request: its connection, its deadline, and why it ended early."""

    def __init__(self, deadline: float, public_only: bool) -> None:
        self.deadline = deadline
        self.public_only = public_only
        self.private = False
        self.expired = False
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None

    def uses(self, connection: HTTPConnection) -> None:
        """Sets the request's connection, which may not be open yet. Raises `PrivateAddress`."""
        self._connection = connection
        # A connection lets go of its socket while a body without a length is still being read from it.
        self._socket = connection.sock
        if connection.sock is None or connection.proxy is not None:
            return
        address = connection.sock.getpeername()[0]
        self.private = not ipaddress.ip_address(address.partition("%")[0]).is_global
        if self.private and self.public_only:
            connection.close()
            raise PrivateAddress(address)

    def end(self) -> None:
        """Ends the request, whatever it waits for: connecting, a status line, headers, a body or trailers."""
        # During the TLS handshake the connection has another socket.
        current = self._connection.sock if self._connection is not None else None
        for each in (self._socket, current):
            if each is not None:
                with suppress(OSError):
                    # For TLS too this ends the TCP connection alone, since a thread may be reading the TLS socket.
                    socket.socket.shutdown(each, socket.SHUT_RDWR)


_under_way = threading.local()


class _HTTPConnection(HTTPConnection):
    """A connection that registers with the current request of its thread."""

    def connect(self) -> None:
        _under_way.attempt.uses(self)
        super().connect()
        _under_way.attempt.uses(self)

    def request(self, *arguments: Any, **named: Any) -> None:
        _under_way.attempt.uses(self)
        super().request(*arguments, **named)


class _HTTPSConnection(_HTTPConnection, HTTPSConnection):
    """The same over TLS."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    """`requests`' adapter over watched connections."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        return manager


class HttpSession:
    """Connections with Segment's headers for many threads, at most `pool` idle ones a host.

    Segment closes its connection after every request; here they are kept, which no server can tell from the message.
    """

    def __init__(self, pool: int = 8) -> None:
        self._session = requests.Session()
        # Otherwise a password from ~/.netrc would replace the destination's Authorization header.
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers.update(HEADERS)
        # Cookies of answers are never sent.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=8, pool_maxsize=pool, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._lock = threading.Lock()
        self._attempts: set[_Attempt] = set()
        self._watcher: threading.Thread | None = None
        self._ended = threading.Event()

    def ask(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
        *,
        public_only: bool = False,
    ) -> Answer:
        """Makes one request, follows no redirect, and returns the whole answer.

        `timeout_s` bounds all of it: connecting, every header, the whole body and its trailers. Raises one of
        `NOT_REACHED`, `BodyError` or `BodyTooLarge`; `Aborted` after `abort`; `PrivateAddress` with `public_only` where
        the host has such an address.
        """
        attempt = _Attempt(time.monotonic() + timeout_s, public_only)
        with self._watched(attempt):
            try:
                request = requests.Request(method, url, data=body, headers=headers)
                answer = self._send(request, timeout_s, attempt)
            except (*NOT_REACHED, BodyError) as error:
                self._check(attempt, url, error)
                raise
            self._check(attempt, url, None)
        return answer

    def _check(self, attempt: _Attempt, url: str, error: Exception | None) -> None:
        # A body without a length looks complete when its connection is ended.
        if self._ended.is_set():
            raise Aborted(url) from error
        if attempt.expired:
            raise requests.Timeout(f"{url} did not answer in time") from error

    def _send(self, request: requests.Request, timeout_s: float, attempt: _Attempt) -> Answer:
        authorities = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        answered = self._session.send(
            self._session.prepare_request(request),
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,
            proxies=dict(_proxies(request.url)),
            verify=authorities,
        )
        with answered:
            content = _read(answered.raw)
        names = {name.lower(): value for name, value in answered.headers.items()}
        return Answer(answered.status_code, answered.reason or "", names, content, attempt.private)

    @contextmanager
    def _watched(self, attempt: _Attempt) -> Iterator[None]:
        with self._lock:
            if self._ended.is_set():
                raise Aborted("the session has ended")
            self._attempts.add(attempt)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="forwarder-deadlines", daemon=True)
                self._watcher.start()
        _under_way.attempt = attempt
        try:
            yield
        finally:
            with self._lock:
                self._attempts.discard(attempt)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOKS_EVERY):
            now = time.monotonic()
            with self._lock:
                late = [attempt for attempt in self._attempts if now >= attempt.deadline]
            for attempt in late:
                attempt.expired = True
                attempt.end()

    def abort(self) -> None:
        """Ends every current request, and refuses every later one."""
        with self._lock:
            self._ended.set()
            attempts = list(self._attempts)
        for attempt in attempts:
            attempt.end()

    def close(self) -> None:
        """Closes every connection."""
        self.abort()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(response: BaseHTTPResponse) -> bytes:
    pieces, size = [], 0
    try:
        for piece in response.stream(65536, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge
    except urllib3_errors.DecodeError as error:
        raise BodyError("incorrect header check", "Z_DATA_ERROR") from error
    except (urllib3_errors.HTTPError, OSError) as error:
        raise BodyError("aborted", "ECONNRESET") from error
    return b"".join(pieces)


def _proxies(url: str) -> Mapping[str, str]:
    return {} if is_loopback(url) else requests.utils.get_environ_proxies(url)
