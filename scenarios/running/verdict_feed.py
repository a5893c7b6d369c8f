"""Verdicts of a running emulator: those that are asked for, and each new one as it comes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

Ask = Callable[[str], dict[str, Any]]
"""Path with query → the JSON that the emulator's control surface answers."""
_Verdict = TypeVar("_Verdict", bound=Mapping[str, Any])
EVERY = "*"
PAGE = 1000
_WAIT_S = 20
"""The emulator answers sooner when a verdict comes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which verdicts are wanted. `user` is a userId, an anonymousId or what Optimizely saw as visitor; `event` a name that
    Segment sent or an event key. Without a `namespace` those of every namespace.
    """

    user: str | None = None
    event: str | None = None
    outcome: str | None = None
    namespace: str | None = None
    message_id: str | None = None

    def matches(self, verdict: dict[str, Any]) -> bool:
        """Whether a verdict is one of them, as far as the emulator does not look at it itself."""
        users = (verdict.get("user_id"), verdict.get("anonymous_id"), verdict.get("visitor_id"))
        events = (verdict.get("event"), verdict.get("event_key"))
        return (self.user is None or self.user in users) and (self.event is None or self.event in events)

    def path(self, **more: Any) -> str:
        """The listing's address, with these parameters beside the selection's own."""
        prefix = "" if self.namespace in (None, EVERY) else f"/ns/{quote(str(self.namespace), safe='')}"
        parameters = {
            "outcome": self.outcome,
            "message_id": self.message_id,
            "q": self.user or self.event,
            **more,
        }
        if not prefix:
            parameters["ns"] = EVERY
        return f"{prefix}/_emulator/verdicts?" + urlencode(
            {name: value for name, value in parameters.items() if value is not None}
        )


def pages(
    ask: Callable[[Any], Mapping[str, Any]], name: str, after: Any = None, *, limit: float = PAGE
) -> Iterator[Mapping[str, Any]]:
    """Every page of a listing. `ask` gets the one behind a cursor, of at most `limit` rows; pages end by bytes too."""
    while True:
        page = ask(after)
        yield page
        if len(page[name]) < limit and not page.get("more"):
            return
        after = page["next"]


def is_pending(verdict: Mapping[str, Any]) -> bool:
    """Whether Segment goes on with the event's delivery."""
    delivery = verdict.get("delivery")
    return delivery is not None and delivery["outcome"] == "pending"


def matching_verdicts(ask: Ask, selection: Selection) -> list[dict[str, Any]]:
    """Every verdict of a selection, oldest first; a duplicate comes right after what it is a duplicate of."""
    listing = pages(lambda after: ask(selection.path(limit=PAGE, after=after)), "verdicts")
    return duplicates_last(row for page in listing for row in _readable(page) if selection.matches(row))


def newest_verdict(ask: Ask, selection: Selection) -> dict[str, Any] | None:
    """The newest verdict of a selection, None when there is none."""
    listing = pages(lambda after: ask(selection.path(limit=PAGE, after=after, order="newest")), "verdicts")
    return next((row for page in listing for row in _readable(page) if selection.matches(row)), None)


def _readable(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A page's verdicts without those that the emulator could not read any more."""
    return [row for row in page["verdicts"] if "unreadable" not in row]


def newest_cursor(ask: Ask, selection: Selection) -> Any:
    """Where the listing ends now: what follows is new."""
    return ask(selection.path(limit=1, order="newest"))["last"]


def follow(ask: Ask, selection: Selection, after: Any) -> Iterator[dict[str, Any]]:
    """Each verdict of a selection that comes behind a cursor, without end."""
    while True:
        page = ask(selection.path(limit=PAGE, after=after or 0, wait=_WAIT_S, count=1))
        yield from filter(selection.matches, _readable(page))
        if page["verdicts"]:
            after = page["next"]


def duplicates_last(verdicts: Iterable[_Verdict]) -> list[_Verdict]:
    """The verdicts in their order, but those on one message id together, duplicates last."""
    groups: dict[tuple[Any, Any], list[_Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.get("namespace"), verdict["message_id"]), []).append(verdict)
    return [
        verdict
        for group in groups.values()
        for verdict in sorted(group, key=lambda row: row["outcome"] == "duplicate")
    ]
