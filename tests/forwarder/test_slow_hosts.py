"""Hosts that drip, hang or lead astray cost their own deliveries time, and nobody else's."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from optimizely_double import DATAFILE_URL, NOON, Answer, OptimizelyDouble
from segment_side import SegmentSide

from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.errors import FetchError
from optilocal.forwarder.http.request_client import RequestClient
from optilocal.forwarder.http.session import Aborted, HttpSession, PrivateAddress
from optilocal.forwarder.store.sqlite import SqliteSpool

Make = Callable[..., SegmentSide]
TRACK = {"event": "Order Completed", "userId": "u-1"}

HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "status line": (b"", b"H"),
    "headers": (HEAD, b"x-a: b\r\n"),
    "endless 100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body of a known length": (HEAD + b"content-length: 100000\r\n\r\n", b"a"),
    "body until the end": (HEAD + b"\r\n", b"a"),
    "chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "trailers": (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", b"x-a: b\r\n"),
    "nothing at all": (b"", b""),
}


class DrippingHost:
    """Answers every request with a beginning and then one piece after another, until it is closed."""

    def __init__(self, beginning: bytes, piece: bytes) -> None:
        self._beginning, self._piece = beginning, piece
        self._closed = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.asked = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._drip, args=(client,), daemon=True).start()

    def _drip(self, client: socket.socket) -> None:
        with client:
            try:
                client.recv(65536)
                self.asked.release()
                client.sendall(self._beginning)
                while not self._closed.wait(0.02):
                    if self._piece:
                        client.sendall(self._piece)
            except OSError:
                return

    def close(self) -> None:
        self._closed.set()
        self._listening.close()


@pytest.fixture
def dripping() -> Iterator[Callable[[str], DrippingHost]]:
    made: list[DrippingHost] = []

    def make(kind: str) -> DrippingHost:
        made.append(DrippingHost(*DRIPS[kind]))
        return made[-1]

    yield make
    for host in made:
        host.close()


@pytest.fixture
def session() -> Iterator[HttpSession]:
    with HttpSession() as opened:
        yield opened


@pytest.mark.parametrize("kind", DRIPS)
def test_one_deadline_holds_over_the_whole_request(
    kind: str, dripping: Callable[[str], DrippingHost], session: HttpSession
) -> None:
    with pytest.raises(requests.Timeout):
        session.ask("GET", dripping(kind).url, None, {}, 0.3)


@pytest.mark.parametrize("kind", DRIPS)
def test_a_session_that_is_aborted_waits_for_no_host(
    kind: str, dripping: Callable[[str], DrippingHost], session: HttpSession
) -> None:
    host = dripping(kind)
    ended: list[BaseException] = []

    def ask() -> None:
        try:
            session.ask("GET", host.url, None, {}, 60)
        except BaseException as error:
            ended.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    assert host.asked.acquire(timeout=10)
    session.abort()
    asking.join(10)
    assert [type(error) for error in ended] == [Aborted]
    with pytest.raises(Aborted):
        session.ask("GET", host.url, None, {}, 60)


def test_a_request_for_public_addresses_only_is_not_made_to_loopback(
    session: HttpSession, double: OptimizelyDouble
) -> None:
    with pytest.raises(PrivateAddress):
        session.ask("GET", double.url + "/datafiles/a.json", None, {}, 5, public_only=True)
    assert session.ask("GET", double.url + "/datafiles/a.json", None, {}, 5).private
    # An idle connection to the same host is there now; it is not used either.
    with pytest.raises(PrivateAddress):
        session.ask("GET", double.url + "/datafiles/a.json", None, {}, 5, public_only=True)
    assert len(double.to("/datafiles/")) == 1


class _PublicFirst(HttpSession):
    """A session whose first answer is said to come from a public address: there is none to be had offline."""

    def ask(self, *arguments, public_only=False, **named):  # type: ignore[no-untyped-def]
        answer = super().ask(*arguments, public_only=public_only, **named)
        return type(answer)(answer.status, answer.reason, answer.headers, answer.body, private=False)


def test_a_public_host_does_not_lead_to_a_private_address(double: OptimizelyDouble) -> None:
    double.next("/datafiles/", Answer(302, headers={"location": f"{double.url}/_emulator/deliveries"}))
    with _PublicFirst() as session:
        client = RequestClient(session, double.url, ManualClock(NOON))
        with pytest.raises(FetchError, match=r"leads from a public host to 127\.0\.0\.1"):
            client.request("GET", f"{double.url}/datafiles/shop.json")
    assert not double.to("/_emulator/deliveries")


def test_a_private_host_may_lead_to_another(session: HttpSession, double: OptimizelyDouble) -> None:
    double.next("/datafiles/", Answer(302, headers={"location": f"{double.url}/datafiles/other.json"}))
    client = RequestClient(session, double.url, ManualClock(NOON))
    assert client.request("GET", DATAFILE_URL).status == 200


def test_namespaces_that_hang_hold_up_no_other(
    make_server: Make, double: OptimizelyDouble, dripping: Callable[[str], DrippingHost]
) -> None:
    segment = make_server(workers=2)
    hosts = []
    for name in ("a", "b", "c"):
        hosts.append(dripping("headers"))
        slow = segment.namespace(name)
        slow.put("/_forwarder/settings", {"accountId": "12001", "dataFileUrl": f"{hosts[-1].url}/d.json"})
        slow.post(
            "/v1/batch",
            {"batch": [{"type": "track", **TRACK, "messageId": f"{name}-{n}"} for n in range(20)]},
        )
        # Both of its workers are held up now, and eighteen events wait behind them.
        assert all(hosts[-1].asked.acquire(timeout=10) for _ in range(2))
    segment.put("/_forwarder/settings", {"accountId": "12001", "dataFileUrl": DATAFILE_URL})
    segment.post("/v1/track", TRACK)
    (row,) = segment.ended(1)
    assert row["outcome"] == "sent"
    for name in ("a", "b", "c"):
        assert len(segment.namespace(name).deliveries(20, state="pending")) == 20
    assert not any(host.asked.acquire(blocking=False) for host in hosts), "no more than two at once"


def test_stopping_waits_for_no_host_and_what_was_accepted_stays(
    make_server: Make, dripping: Callable[[str], DrippingHost], tmp_path: Path
) -> None:
    segment = make_server(spool=tmp_path / "spool")
    host = dripping("endless 100 Continue")
    segment.put("/_forwarder/settings", {"accountId": "12001", "dataFileUrl": f"{host.url}/d.json"})
    for _ in range(6):
        segment.post("/v1/track", TRACK)
    assert host.asked.acquire(timeout=10)
    stopping = threading.Thread(target=segment.server.stop, daemon=True)
    stopping.start()
    stopping.join(9)
    assert not stopping.is_alive(), "an attempt takes ten seconds"
    spool = SqliteSpool(tmp_path / "spool")
    left = spool.listing(None)
    spool.close()
    assert [(one.state, one.delivery.outcome, one.delivery.report["attempts"]) for one in left] == [
        ("pending", "pending", [])
    ] * 6


FULL_DISK = """
import resource, signal, sys, threading, json
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from optimizely_double import OptimizelyDouble, DATAFILE_URL
from segment_side import SegmentSide
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
double, spool = OptimizelyDouble(), Path(sys.argv[1])
gate = double.gates["/v1/events"] = threading.Event()
server = ForwarderServer(ServerSettings(port=0, optimizely=double.url, spool=spool)).start()
segment = SegmentSide(server.base_url, server)
segment.put("/_forwarder/settings", {"accountId": "12001", "dataFileUrl": DATAFILE_URL})
batch = [{"type": "track", "event": "Order Completed", "userId": f"u-{n}", "messageId": f"m-{n}"} for n in range(20)]
segment.post("/v1/batch", {"batch": batch})
double.wait_for("/v1/events", 4)
# From now on no file of this process grows: as on a full disk.
written = max(file.stat().st_size for file in spool.parent.iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (written, resource.RLIM_INFINITY))
gate.set()
said = sys.stdin.readline()
refused = segment.post("/v1/track", batch[0]).status_code
sent_while_full = len(double.to("/v1/events"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
segment.ended(20)
uuids = [r.json["visitors"][0]["snapshots"][0]["events"][0]["uuid"] for r in double.to("/v1/events")]
print(json.dumps({"while_full": sent_while_full, "refused": refused, "sent": len(uuids), "different": len(set(uuids))}))
server.stop()
"""


def test_a_full_disk_stops_sending_and_nothing_is_sent_again_for_it(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "spool" / "spool"), str(Path(__file__).parent)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None and process.stdin is not None and process.stdout is not None
        first = process.stderr.readline()
        assert "cannot be used" in first and "nothing is sent until it can be written" in first, first
        process.stdin.write("\n")
        process.stdin.flush()
        out, err = process.communicate(timeout=60)
    assert out.strip() == '{"while_full": 4, "refused": 503, "sent": 20, "different": 20}', out + err
    assert "cannot be used" not in err, "one line a minute"
