"""One request, read whole, and its answer; and what an app can ask of the server instead of answering at once."""

from collections.abc import Callable
from dataclasses import dataclass

Headers = list[tuple[bytes, bytes]]
REQUEST = "serving.request"
"""The `Request` in a WSGI app's environ."""

BREAKS = ("reset", "hang_up", "truncate", "garbage")
"""Ways to break a connection: reset it, close it without a word, send half of the body, send what is not HTTP."""


@dataclass(slots=True)
class Answer:
    """What goes back: headers without `Content-Length`, the whole body, one of `BREAKS` if any, seconds to hold it back."""

    status: int
    headers: Headers
    body: bytes = b""
    breaks: str | None = None
    delay: float = 0.0


@dataclass(slots=True)
class Wait:
    """What a request waits for, for at most so many `seconds`.

    `check` runs in a thread: None when the app can answer, else in how many seconds to check again if nothing happens
    before. `subscribe` is given a callback that may be called in any thread when there is news, and returns what ends
    the subscription.
    """

    seconds: float
    check: Callable[[], float | None]
    subscribe: Callable[[Callable[[], None]], Callable[[], None]]


@dataclass(slots=True)
class Request:
    """One request. Of a body that is larger than its limit `body` holds the limit and one byte more.

    A WSGI app finds it in its environ as `REQUEST` and may set `breaks` and `delay` of its answer, or `wait`: its answer
    is thrown away then, and it is asked once more, with `waited` set, when the waiting is over. Where it finds too little
    then, and there is `time_left`, it may set `wait` once more: no longer than the first one's time is waited in all.
    """

    method: str
    target: bytes
    headers: Headers
    body: bytes = b""
    version: str = "1.1"
    client: tuple[str, int] = ("", 0)
    breaks: str | None = None
    delay: float = 0.0
    wait: Wait | None = None
    waited: bool = False
    time_left: float = 0.0
