"""`POST /v1/events` over a journal that is reached by a network: while one commit is on its way the next is gathered."""

import asyncio
from collections.abc import Sequence

from optilocal.emulator.context import Context
from optilocal.emulator.journal.limits import GATHER_S, PATIENCE_S
from optilocal.emulator.journal.store import JournalAwayError
from optilocal.emulator.wire.direct import DirectEvents, Turn, as_problem
from optilocal.emulator.wire.exchange import Reply, WireRequest


class RemoteEvents(DirectEvents):
    """The server's loop never waits for the database, and nobody waits longer than `PATIENCE_S` for it."""

    def __init__(self, parts: Context) -> None:
        super().__init__(parts)
        self._storing: asyncio.Task[None] | None = None
        self._given_up: set[int] = set()

    async def _reply(self, turn: Turn, place: int) -> Reply | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return (await asyncio.shield(turn))[place]
        except TimeoutError:
            if turn is self._turn:
                # It was not begun: whoever is told to come back is not stored.
                self._given_up.add(place)
            raise as_problem(JournalAwayError("the journal's database does not answer; come back")) from None

    def _end_turn(self) -> None:
        if self._storing is None:
            self._storing = asyncio.get_running_loop().create_task(self._store_all())

    async def _store_all(self) -> None:
        """Store what has been gathered, until there is nothing more."""
        loop = asyncio.get_running_loop()
        while self._turn is not None:
            turn, requests, given_up = self._turn, self._requests, self._given_up
            self._turn, self._requests, self._given_up = None, [], set()
            places = range(len(requests))
            try:
                wanted = [requests[place] for place in places if place not in given_up]
                replies = iter(await loop.run_in_executor(None, self._stored, wanted))
                turn.set_result([None if place in given_up else next(replies) for place in places])
            except Exception as error:
                turn.set_exception(as_problem(error))
                # Everybody may have gone.
                turn.exception()
            if self._turn is not None:
                # Those who were answered a moment ago will send again: with them half as many commits are enough.
                await asyncio.sleep(GATHER_S)
        self._storing = None

    def _stored(self, requests: Sequence[WireRequest]) -> list[Reply | None]:
        replies = self._taken(requests)
        records = [reply[1] for reply in replies if reply is not None]
        if records:
            self._last = self._parts.record(records)
        return replies
