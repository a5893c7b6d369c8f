"""What `requests` itself can send: `python -m bench.sender URL THREADS SECONDS all|events`, prints events a second.

With `all` every event is what the forwarder does for one: the datafile fetched, the event posted, the report posted.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from random import Random

import requests

from bench.batches import SDK_KEY, filled, kinds, uuid_of, visitor
from bench.delivery import report


def send(url: str, threads: int, seconds: float, *, whole: bool) -> float:
    """Events a second that so many threads get through, each with a session of its own, ready bodies and no proxies."""
    done = [0] * threads
    end = time.perf_counter() + seconds
    batch = filled(kinds(1_795_436_797_720)[1], visitor(7), uuid_of(Random(7)))
    body = json.dumps(batch, separators=(",", ":")).encode()
    told = json.dumps(report(batch, "message-1", visitor(7), 1_795_436_797_720)).encode()

    def work(number: int) -> None:
        session = requests.Session()
        # As the forwarder's own; it nearly doubles what a session sends.
        session.trust_env = False
        headers = {"content-type": "application/json"}

        def one(method: str, path: str, data: bytes | None = None) -> None:
            asked = requests.Request(method, url + path, data=data, headers=headers if data else {})
            answer = session.send(session.prepare_request(asked), timeout=10, allow_redirects=False)
            assert answer.ok and answer.content is not None

        while time.perf_counter() < end:
            if whole:
                one("GET", f"/datafiles/{SDK_KEY}.json")
            one("POST", "/v1/events", body)
            if whole:
                one("POST", "/_emulator/deliveries", told)
            done[number] += 1

    began = time.perf_counter()
    working = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    return sum(done) / (time.perf_counter() - began)


if __name__ == "__main__":
    print(send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), whole=sys.argv[4] == "all"))
