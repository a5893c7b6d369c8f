"""What every listing of the control surface shares: paging, filters, search, and waiting on the server."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from flask import Response, request

from optilocal.emulator.context import context, namespace
from optilocal.emulator.journal.limits import SLICE
from optilocal.emulator.journal.records import FILTERS, PAGE_BYTES, Query
from optilocal.emulator.journal.store import JournalError, Row
from optilocal.emulator.journal.waiters import Waiter
from optilocal.emulator.json_text import dumps
from optilocal.emulator.problems import Problem
from optilocal.serving.request import Wait
from optilocal.serving.site import current_request

SHARED = ("after", "limit", "order", "q", "wait", "count", "ns")
DEFAULT_LIMIT, MOST = 100, 1_000
LONGEST_WAIT = 300.0
_LARGEST = 2**63 - 1
# While a page of megabytes is put together it takes some ten times as many: one is at a time.
_LARGE = 1_000_000
_large = threading.Lock()
_TURNS = 100


def asked_namespace() -> str | None:
    """The request's namespace, or None for `ns=*`: every one."""
    wanted = request.args.get("ns")
    if wanted is None:
        return namespace()
    if wanted != "*":
        what = f"ns can only be *, every namespace, not {wanted!r:.70}; use the prefix /ns/…"
        raise Problem("invalid_parameter", what)
    return None


def _number(name: str, default: int | None, low: int, high: int) -> int | None:
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not low <= int(text) <= high:
        raise Problem("invalid_parameter", f"{name} must be a number from {low} to {high}, not {text!r:.40}")
    return int(text)


def _seconds() -> float:
    text = request.args.get("wait", "0")
    try:
        wait = float(text)
    except ValueError:
        wait = -1.0
    if not 0 <= wait < float("inf"):
        raise Problem("invalid_parameter", f"wait must be a number of seconds, not {text!r:.40}")
    return min(wait, LONGEST_WAIT)


def _query(listing: str) -> Query:
    names = FILTERS[listing]
    filters: dict[str, str] = {}
    for name, value in request.args.items():
        if name in SHARED:
            continue
        if name not in names:
            known = ", ".join(sorted(names))
            raise Problem(
                "invalid_parameter", f"{listing} cannot be filtered by {name!r:.60}; known are {known}"
            )
        filters[name] = value
    order = request.args.get("order", "oldest")
    if order not in ("oldest", "newest"):
        raise Problem("invalid_parameter", f"order must be oldest or newest, not {order!r:.40}")
    space = asked_namespace()
    if "experiment" in filters:
        filters["experiment"] = context().verdicts.experiment_names(space, filters["experiment"])
    return Query(
        space,
        after=_number("after", None, 0, _LARGEST),
        limit=min(_number("limit", DEFAULT_LIMIT, 1, _LARGEST) or DEFAULT_LIMIT, MOST),
        newest=order == "newest",
        filters=filters,
        text=request.args.get("q"),
    )


def _wait(name: str, query: Query, count: int, seconds: float) -> None:
    """Have the server wait, and ask once more, unless `count` rows match or the time is over."""
    served = current_request()
    journal, projector = context().journal, context().projector
    waiter: Waiter | None = None

    def check() -> float | None:
        if waiter is None:
            projector.catch_up()
        else:
            # Whatever comes while this is counted has to be counted again. What is captured from now on wakes this client
            # once it is projected: waiting hurries nobody, and costs capture nothing.
            waiter.missing = 1
        matching = journal.count(name, query, count)
        if waiter is not None:
            waiter.missing = count - matching
        return None if matching >= count else LONGEST_WAIT

    def subscribe(news: Callable[[], None]) -> Callable[[], None]:
        nonlocal waiter
        waiter = journal.waiters.subscribe(name, query.namespace, query.filters, news)
        return waiter.close

    if (served.time_left > 0 if served.waited else seconds > 0) and check() is not None:
        served.wait = Wait(seconds, check, subscribe)


Show = Callable[[Row], Mapping[str, Any]]


def listing(name: str, showing: Callable[[Sequence[Row]], Show]) -> Response:
    """The answer of `GET /_emulator/<name>`, waited for when asked to: `{name: rows, "next", "last", "dropped"}`.

    `showing` gets some rows and says how to show each of them.

    A page ends before it has more than `PAGE_BYTES`, and then says so: `"more": true`. A row that cannot be shown, because
    what is stored is damaged, says that in its place.
    """
    query = _query(name)
    count = _number("count", 1, 0, _LARGEST) or 0
    seconds = _seconds()
    served = current_request()
    if not served.waited:
        served.time_left = seconds
        _wait(name, query, count, seconds)
        if served.wait is not None:
            return Response()
    rows = _rows(name, query)
    for _ in range(_TURNS):
        more = len(rows) < query.limit and _bytes(rows) >= query.most_bytes
        if not seconds or more or len(rows) >= min(count, query.limit) or not served.time_left:
            break
        # What was counted was being worked out anew at this very moment: it is waited for, or there by now.
        _wait(name, query, count, seconds)
        if served.wait is not None:
            return Response()
        rows = _rows(name, query)
    with _large if _bytes(rows) > _LARGE else nullcontext():
        text = _page(name, query, rows, showing, more=more)
    del rows  # Eight pages of 8 MB at once then take 260 MB and not 345.
    return Response(text, content_type="application/json")


def _rows(name: str, query: Query) -> list[Row]:
    """The rows that are asked for. When a verdict among them waits to be judged, all is worked out and read again: the
    conversion of a report that came a moment ago has a verdict of its own until then.
    """
    for _ in range(_TURNS):
        context().projector.catch_up()
        rows = context().journal.rows(name, query)
        if all(row.get("judged", 1) for row in rows):
            break
    return rows


def _page(
    name: str, query: Query, rows: Sequence[Row], showing: Callable[[Sequence[Row]], Show], *, more: bool
) -> str:
    journal = context().journal
    page = _fitting(_texts(name, rows, showing))
    rest = {
        "next": rows[len(page) - 1]["number"] if page else query.after or 0,
        **journal.ends(name, query.namespace)._asdict(),
        **({"more": True} if more or len(page) < len(rows) else {}),
    }
    return _json(name, page, rest)


def _texts(name: str, rows: Sequence[Row], showing: Callable[[Sequence[Row]], Show]) -> Iterator[str]:
    """Each row as JSON, made when it is asked for."""
    for start in range(0, len(rows), SLICE):
        some = rows[start : start + SLICE]
        show = showing(some)
        yield from (_shown(name, row, show) for row in some)


def whole_listing(name: str, rows: Sequence[Mapping[str, Any]]) -> Response:
    """The answer of a listing that has no pages of rows: it too ends before it has more than `PAGE_BYTES`, and then says
    where it goes on: `"next"`, for `after`.
    """
    after = _number("after", 0, 0, _LARGEST) or 0
    page = _fitting(map(dumps, rows[after:]))
    end = after + len(page)
    text = _json(name, page, {"next": end, "more": True} if end < len(rows) else {})
    return Response(text, content_type="application/json")


def _fitting(rows: Iterable[str]) -> list[str]:
    """The first rows, of which a page has no more than `PAGE_BYTES`, but one at least."""
    page: list[str] = []
    size = 0
    for row in rows:
        size += len(row) if row.isascii() else len(row.encode())
        if page and size > PAGE_BYTES:
            break
        page.append(row)
    return page


def _json(name: str, page: Sequence[str], rest: Mapping[str, Any]) -> str:
    more = f",{dumps(rest)[1:-1]}" if rest else ""
    return f'{{"{name}":[{",".join(page)}]{more}}}'


def _bytes(rows: Sequence[Row]) -> int:
    return sum(len(value) for row in rows for value in row.values() if isinstance(value, str | bytes))


def _shown(name: str, row: Row, show: Show) -> str:
    try:
        return dumps(show(row))
    except JournalError:
        raise
    except Exception as error:
        context().report_failure(f"{name} {row['number']} cannot be shown: {type(error).__name__}: {error}")
        why = "what is stored of this row is damaged and cannot be shown"
        return dumps({"number": row["number"], "namespace": row["namespace"], "unreadable": why})
