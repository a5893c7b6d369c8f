"""One request, read whole, its answer, and the wait that an app can ask for instead of answering at once."""

from collections.abc import Callable
from dataclasses import dataclass

Headers = list[tuple[bytes, bytes]]
REQUEST = "serving.request"
"""The `Request` in a WSGI app's environ."""

BREAKS = ("reset", "hang_up", "truncate", "garbage")
"""Ways to break a connection: reset it, close it without an answer, send half of the body, send bytes that are not
HTTP.
"""


@dataclass(slots=True)
class Answer:
    """An answer: headers without `Content-Length`, the whole body, one of `BREAKS` or None, the delay in seconds."""

    status: int
    headers: Headers
    body: bytes = b""
    breaks: str | None = None
    delay: float = 0.0


@dataclass(slots=True)
class Wait:
    """A request's wait of at most `seconds`.

    `check` runs in a thread: None when the app can answer, else the seconds until the next check. `subscribe` takes a
    callback, which any thread may call for an earlier check, and returns a function that ends the subscription.
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
