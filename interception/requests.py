"""Rewrites a client's requests for the server that gets them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httptools

_PROXY_ALONE = (b"proxy-connection", b"proxy-authorization")


class BadRequest(ValueError):
    """The client's bytes are not HTTP/1.1."""


class RequestStream:
    """Rewrites a client's bytes: it adds `prefix` to each path, `headers` to each request, and removes a proxy's
    headers.

    `seen` is called for each request, once its head is read. With `once` only one request is read, and the server is
    asked to close after it; with `whole` the target keeps its scheme and host, as another proxy needs it.
    """

    def __init__(
        self,
        prefix: str,
        seen: Callable[[], None],
        *,
        once: bool = False,
        whole: bool = False,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self._prefix, self._seen, self._once, self._whole = prefix.encode(), seen, once, whole
        self._added = headers
        self._parser = httptools.HttpRequestParser(self)
        self._out: list[bytes] = []
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_body = self._chunked = self._ended = False

    def feed(self, data: bytes) -> bytes:
        """The bytes for the server. Raises BadRequest."""
        while data and not self._ended:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                # The servers ignore an upgrade and answer in HTTP/1.1; what follows is the next request.
                data = data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
            except (httptools.HttpParserError, httptools.HttpParserCallbackError) as error:
                if self._ended:
                    break
                raise BadRequest(str(error)) from None
        out, self._out = self._out, []
        return b"".join(out)

    # httptools calls what follows.

    def on_message_begin(self) -> None:
        self._target, self._headers = b"", []
        self._in_body = self._chunked = False

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._in_body = True
        method = self._parser.get_method()
        if method == b"CONNECT":
            raise BadRequest("a CONNECT inside a connection")
        lines = [b"%s %s HTTP/%s" % (method, self._rewritten(), self._parser.get_http_version().encode())]
        for name, value in self._headers:
            lowered = name.lower()
            if lowered in _PROXY_ALONE or (self._once and lowered in (b"connection", b"keep-alive")):
                continue
            self._chunked = self._chunked or (lowered == b"transfer-encoding" and b"chunked" in value.lower())
            lines.append(b"%s: %s" % (name, value))
        lines.extend(b"%s: %s" % added for added in self._added)
        if self._once:
            lines.append(b"Connection: close")
        self._out.append(b"\r\n".join(lines) + b"\r\n\r\n")
        self._seen()

    def on_body(self, body: bytes) -> None:
        self._out.append(b"%x\r\n%s\r\n" % (len(body), body) if self._chunked else body)

    def on_message_complete(self) -> None:
        if self._chunked:
            self._out.append(b"0\r\n\r\n")
        self._ended = self._once

    def _rewritten(self) -> bytes:
        target = self._target
        if self._whole:
            return target
        if b"://" in target.split(b"?", 1)[0]:
            parts = urlsplit(target)
            target = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
        return self._prefix + target if target.startswith(b"/") else target
