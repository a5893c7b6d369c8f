"""SIGTERM under load: what is under way is answered, what was acknowledged is kept, and the command ends with 0."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import requests

BODY = (
    '{"account_id":"12001","anonymize_ip":true,"client_name":"test","client_version":"1","enrich_decisions":true,'
    '"visitors":[{"visitor_id":"u","attributes":[],"snapshots":[{"decisions":[],"events":'
    '[{"entity_id":"ev","key":"Order","uuid":"%s","timestamp":1768471200000}]}]}]}'
)
CALL = '{"event":"Order","userId":"u","messageId":"%s"}'


def start(server: str, kept: Path, *more: str) -> tuple["subprocess.Popen[str]", str]:
    option = {"emulator": "--journal", "forwarder": "--spool"}[server]
    process = subprocess.Popen(
        [sys.executable, "-m", "optilocal", server, "--port", "0", option, str(kept), *more],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()[1]


def load(url: str, body: str, name: str, enough: threading.Event, taken: list[str]) -> None:
    """Send one request after the other until the server goes; `taken` gets those it acknowledged."""
    with requests.Session() as session:
        session.trust_env = False
        number = 0
        while True:
            number += 1
            try:
                answer = session.post(
                    url,
                    data=body % f"{name}-{number}",
                    headers={"Content-Type": "application/json"},
                    timeout=30,
                )
            except requests.RequestException:
                return
            if answer.ok:
                taken.append(f"{name}-{number}")
                if number == 20:
                    enough.set()


def ended_under_load(process: "subprocess.Popen[str]", address: str, path: str, body: str) -> list[str]:
    """Ends the server while four clients send and one request is half sent; what was acknowledged."""
    taken: list[str] = []
    enough = threading.Event()
    clients = [
        threading.Thread(target=load, args=(f"{address}{path}", body, f"c{n}", enough, taken))
        for n in range(4)
    ]
    for client in clients:
        client.start()
    host, port = address.removeprefix("http://").split(":")
    sent = (body % "late").encode()
    with socket.create_connection((host, int(port)), timeout=30) as late:
        late.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            f"Expect: 100-continue\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
        )
        # The server has begun to read this request.
        assert late.recv(1_000).startswith(b"HTTP/1.1 100")
        late.sendall(sent[:-5])
        assert enough.wait(30)
        process.send_signal(signal.SIGTERM)
        # It no longer takes connections: the signal has come.
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=30).close()
            except OSError:
                break
        late.sendall(sent[-5:])
        answer = late.recv(10_000)
    assert answer.split()[1] in (b"200", b"204"), answer
    for client in clients:
        client.join()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    return [*taken, "late"]


def listed(ask: Callable[[int], tuple[list[str], int]]) -> set[str]:
    found: set[str] = set()
    after = 0
    while True:
        rows, after = ask(after)
        if not rows:
            return found
        found.update(rows)


def test_the_emulator_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    process, address = start("emulator", tmp_path / "journal")
    taken = ended_under_load(process, address, "/v1/events", BODY)
    process, address = start("emulator", tmp_path / "journal")

    def ask(after: int) -> tuple[list[str], int]:
        page = requests.get(f"{address}/_emulator/events?limit=1000&after={after}", timeout=30).json()
        return [row["uuid"] for row in page["events"]], page["next"]

    try:
        assert set(taken) <= listed(ask)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_forwarder_keeps_what_it_accepted(tmp_path: Path) -> None:
    nobody = ("--optimizely", "http://127.0.0.1:1")
    process, address = start("forwarder", tmp_path / "spool", *nobody)
    taken = ended_under_load(process, address, "/v1/track", CALL)
    process, address = start("forwarder", tmp_path / "spool", *nobody)

    def ask(after: int) -> tuple[list[str], int]:
        page = requests.get(f"{address}/_forwarder/deliveries?limit=1000&after={after}", timeout=30).json()
        return [row["message_id"] for row in page["deliveries"]], page["next"]

    try:
        assert set(taken) <= listed(ask)
    finally:
        process.terminate()
        process.communicate(timeout=30)
