"""The forwarder's connections: kept for the next request, direct where no TLS and no proxy is in the way."""

from __future__ import annotations

import io
import os
import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3 import HTTPResponse as DecodingResponse
from urllib3 import exceptions as urllib3_errors
from urllib3.util import wait_for_read

from optilocal.serving.loopback import is_loopback

HEADERS = {"accept": "*/*", "accept-encoding": "gzip,deflate", "user-agent": "Segment (Actions)"}
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HOSTS = 64

_PLAIN_URL = re.compile(
    r"(?P<where>http://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?)"
    r"(?P<path>(?!.*/\.)/[A-Za-z0-9/_.~!$&'()*+,;=:@?-]*)\Z"
)
"""What is asked for as it stands; any other URL is left to `requests` to be spelt."""

NOT_REACHED = (requests.RequestException, urllib3_errors.HTTPError, HTTPException, OSError, ValueError)
"""What is raised where nothing was answered."""


@dataclass(frozen=True)
class Answer:
    """An answer with its body unpacked. `headers` have lower-case names."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


class BodyError(Exception):
    """An answer whose body could not be read to its end: what Node's client says of it, and its code."""

    def __init__(self, why: str, code: str) -> None:
        super().__init__(why)
        self.why = why
        self.code = code


class BodyTooLarge(Exception):
    """An answer of more than `MAX_BODY_BYTES`."""


class _Connection(HTTPConnection):
    """A connection that sends a request in one piece, headers and body."""

    _pieces: list[bytes] | None = None

    def send(self, data: Any) -> None:
        if self._pieces is None:
            super().send(data)
        else:
            self._pieces.append(data)

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> HTTPResponse:
        self._pieces = []
        try:
            self.request(method, path, body, headers)
            whole = b"".join(self._pieces)
        finally:
            self._pieces = None
        self.send(whole)
        return self.getresponse()


class _Host:
    """The idle connections to one host: the last one used goes first."""

    def __init__(self, host: str, port: int, most: int) -> None:
        self._host = host
        self._port = port
        self._most = most
        self._idle: list[_Connection] = []
        # A session that nobody closed goes with the thread that had it: its connections then go too.
        self.close = weakref.finalize(self, _close_all, self._idle)

    def ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Answer:
        connection = self._take(timeout_s)
        try:
            answer = connection.ask(method, path, body, {**HEADERS, **headers})
            with closing(answer):
                content = _content(answer)
        except BaseException:
            # What is left of a broken answer must not be read as the next one.
            connection.close()
            raise
        if connection.sock is not None and len(self._idle) < self._most:
            self._idle.append(connection)
        else:
            connection.close()
        names: dict[str, str] = {}
        for name, value in answer.headers.items():
            key = name.lower()
            names[key] = f"{names[key]}, {value}" if key in names else value
        if "content-encoding" in names:
            content = _unpacked(content, names["content-encoding"])
        return Answer(answer.status, answer.reason, names, content)

    def _take(self, timeout_s: float) -> _Connection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return _Connection(self._host, self._port, timeout=timeout_s)
            # One that can be read without having been asked anything was closed by the other side.
            if connection.sock is not None and not wait_for_read(connection.sock, timeout=0.0):
                connection.timeout = timeout_s
                connection.sock.settimeout(timeout_s)
                return connection
            connection.close()


def _close_all(idle: list[_Connection]) -> None:
    while idle:
        idle.pop().close()


def _content(answer: HTTPResponse) -> bytes:
    try:
        if answer.length is not None and answer.length <= MAX_BODY_BYTES:
            return answer.read()
        pieces, size = [], 0
        while piece := answer.read(65536):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge
    except (HTTPException, OSError, ValueError) as error:
        raise BodyError("aborted", "ECONNRESET") from error
    return b"".join(pieces)


def _unpacked(content: bytes, encoding: str) -> bytes:
    packed = DecodingResponse(
        io.BytesIO(content), {"content-encoding": encoding}, preload_content=False, decode_content=True
    )
    return _read(packed)


def _read(found: BaseHTTPResponse) -> bytes:
    pieces, size = [], 0
    try:
        for piece in found.stream(65536, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge
    except urllib3_errors.DecodeError as error:
        raise BodyError("incorrect header check", "Z_DATA_ERROR") from error
    except (urllib3_errors.HTTPError, OSError) as error:
        raise BodyError("aborted", "ECONNRESET") from error
    return b"".join(pieces)


class PooledSession(requests.Session):
    """A session with Segment's headers for many threads, at most `pool` idle connections a host.

    Segment closes its connection after every request; here they are kept, which no server can tell from the
    message. Plain HTTP without a proxy goes straight to the standard library's client: what `requests` does
    around it, cookies and all, Segment's client does not do, and it takes twice as long as the request.
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
        self._hosts: OrderedDict[str, _Host | None] = OrderedDict()
        self._hosts_lock = threading.Lock()

    def ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Answer:
        """Makes one request, follows no redirect, and returns the whole answer.

        Raises one of `NOT_REACHED`, `BodyError` or `BodyTooLarge`.
        """
        found = _PLAIN_URL.match(url)
        host = self._direct(found, url) if found is not None else None
        if found is None or host is None:
            return self._through_requests(method, url, body, headers, timeout_s)
        return host.ask(method, found["path"], body, headers, timeout_s)

    def _direct(self, found: re.Match[str], url: str) -> _Host | None:
        where, port = found["where"], int(found["port"] or 80)
        with self._hosts_lock:
            if where not in self._hosts:
                through_proxy = bool(_proxies(url)) or port > 65535
                self._hosts[where] = None if through_proxy else _Host(found["host"], port, self._pool)
                while len(self._hosts) > MAX_HOSTS:
                    self._hosts.popitem(last=False)
            return self._hosts[where]

    def _through_requests(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Answer:
        prepared = self.prepare_request(requests.Request(method, url, data=body, headers=headers))
        authorities = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        found = self.send(
            prepared,
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,
            proxies=dict(_proxies(url)),
            verify=authorities,
        )
        with found:
            content = _read(found.raw)
        names = {name.lower(): value for name, value in found.headers.items()}
        return Answer(found.status_code, found.reason or "", names, content)

    def close(self) -> None:
        """Closes every connection."""
        super().close()
        with self._hosts_lock:
            for host in self._hosts.values():
                if host is not None:
                    host.close()
            self._hosts.clear()


def _proxies(url: str) -> Mapping[str, str]:
    return {} if is_loopback(url) else requests.utils.get_environ_proxies(url)
