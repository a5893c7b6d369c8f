"""A journal in a PostgreSQL database, which any number of emulators on any number of machines may share."""

import secrets
from collections.abc import Callable

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.limits import LOOK_S, PATIENCE_S
from optilocal.emulator.journal.postgresql_news import News
from optilocal.emulator.journal.postgresql_store import LEAD, STATEMENTS, PostgresqlStore
from optilocal.emulator.journal.store import JournalAwayError
from optilocal.serving.clock import monotonic


class PostgresqlJournal(Journal):
    """Everything the emulators of one schema keep, at `url`, `postgresql://USER@HOST/DATABASE?schema=SCHEMA`.

    Raises JournalError, one line, for a database that cannot be used.
    """

    is_remote = True

    def __init__(self, url: str, *, max_rows: int = 1_000_000, max_bytes: int | None = None) -> None:
        self._database = PostgresqlStore(url, secrets.token_hex(8))
        super().__init__(self._database, max_rows=max_rows, max_bytes=max_bytes)
        self._news = News(self._database, self.waiters)

    def close(self) -> None:
        self.waiters.wake_all()
        self._news.close()
        self._database.database.close()

    def is_sound(self) -> bool:
        return bool(self._database.select("position"))

    def look(self) -> None:
        """What the others write is heard at once; here it is seen whether anything can be heard and read."""
        self._database.value("position")
        if self._news.problem:
            raise JournalAwayError(self._news.problem)

    # -- who projects

    def stand(self, captured: Callable[[], None]) -> None:
        self._news.stand(captured)

    def leads(self) -> bool:
        return self._database.leads

    def projected_elsewhere(self, until: int) -> bool:
        seen, since = -1, monotonic()
        while not self._database.leads:
            [state] = self._database.select(
                "projected elsewhere", until=until, key=self._database.database.key, lead=LEAD
            )
            if state["done"]:
                return True
            if not state["led"] and not self._news.stands:
                return False
            if state["exchange"] != seen:
                seen, since = state["exchange"], monotonic()
            elif monotonic() - since > PATIENCE_S:
                raise JournalAwayError(
                    "the emulator whose turn it is to judge what was captured does not go on; ask again in a while"
                )
            with self._news.heard:
                self._news.heard.wait(LOOK_S / 10)
        return False

    # -- privacy

    def empty_log(self) -> None:
        """Others may read meanwhile: what they still see goes with the next `scrub`."""

    def scrub(self) -> None:
        """Old versions of rows are given back to be overwritten. PostgreSQL's own log and its copies are not ours."""
        with self._database.database.connection() as db:
            db.execute(STATEMENTS["vacuum"])
