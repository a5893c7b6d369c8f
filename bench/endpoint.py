"""A fast stand-in for Optimizely that answers at once, or after a delay: `python -m bench.endpoint PORT MILLISECONDS`.

GET gives the datafile, POST 204, a report 201; `GET /counts` tells how many of each came.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import ClassVar

from bench.batches import DATAFILE


def _answer(status: str, body: bytes = b"") -> bytes:
    kind = b"Content-Type: application/json\r\n" if body else b""
    length = b"" if status.startswith("204") else b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status.encode() + b"\r\n" + kind + length + b"\r\n" + body


class _Optimizely(asyncio.Protocol):
    """One connection. Requests come one after another, as from a client without pipelining."""

    counts: ClassVar[dict[str, int]] = {}
    delay_s = 0.0
    datafile = b""

    def __init__(self) -> None:
        self._got = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._got[:end]).lower()
            length = 0
            if (at := head.find(b"\r\ncontent-length:")) >= 0:
                length = int(head[at + 17 :].split(b"\r\n", 1)[0])
            if len(self._got) < end + 4 + length:
                return
            del self._got[: end + 4 + length]
            method, path, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
            if self.delay_s and path != b"/counts":
                asyncio.get_running_loop().call_later(self.delay_s, self._reply, method, path)
            else:
                self._reply(method, path)

    def _reply(self, method: bytes, path: bytes) -> None:
        if path == b"/counts":
            found = _answer("200 OK", json.dumps(self.counts).encode())
        elif method == b"get":
            found = self.datafile
            self._count("datafile")
        elif path.startswith(b"/_emulator/"):
            found = _answer("201 Created", b'{"number":%d}' % self._count("report"))
        else:
            found = _answer("204 No Content")
            self._count("events")
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(found)

    def _count(self, kind: str) -> int:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return self.counts[kind]


async def _serve(port: int, delay_ms: float) -> None:
    _Optimizely.delay_s = delay_ms / 1000
    _Optimizely.datafile = _answer("200 OK", DATAFILE.read_bytes())
    server = await asyncio.get_running_loop().create_server(_Optimizely, "127.0.0.1", port, backlog=1_024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
