"""What the emulators of one PostgreSQL journal tell each other, and which of them projects."""

import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

from optilocal.emulator.journal.limits import LOOK_S, PATIENCE_S
from optilocal.emulator.journal.postgresql_store import LEAD, PostgresqlStore
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.journal.waiters import Waiters


class News:
    """A thread with a connection of its own, on which it hears of the others' commits (LISTEN).

    The same connection holds the advisory lock of the one who projects: the lock is free as soon as the connection is
    gone, and then the first that asks for it has it. What the others have committed wakes whoever waits here.
    """

    def __init__(self, store: PostgresqlStore, waiters: Waiters) -> None:
        self._store, self._waiters = store, waiters
        self.stands = False
        """Whether it would."""
        self.problem: str | None = None
        """Why nothing is heard at the moment."""
        self.captured: Callable[[], None] = lambda: None
        """Called when anybody else may have brought something to project."""
        self.heard = threading.Condition()
        """Notified with whatever is heard."""
        self._listens = threading.Event()
        self._stopping = False
        self._asked, self._asking = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="journal-news", daemon=True)
        self._thread.start()
        # Whatever is committed after this is heard.
        self._listens.wait(PATIENCE_S)

    def stand(self, captured: Callable[[], None]) -> None:
        """Project from now on when nobody else does."""
        self.captured, self.stands = captured, True
        self._asking.send(b"!")

    def close(self) -> None:
        """Hear nothing more, and project no longer; as often as one likes."""
        if self._stopping:
            return
        self._stopping = True
        self._asking.send(b"!")
        self._thread.join()
        self._asking.close()
        self._asked.close()

    def _run(self) -> None:
        while not self._stopping:
            try:
                db = self._store.database.connect()
                with db, self._store.database.named_errors(), selectors.DefaultSelector() as ready:
                    db.execute(f'LISTEN "{self._store.channel}"')
                    ready.register(db, selectors.EVENT_READ)
                    ready.register(self._asked, selectors.EVENT_READ)
                    self.problem = None
                    if self._listens.is_set():
                        # What was told meanwhile nobody heard.
                        self._tell_all()
                    self._listens.set()
                    while not self._stopping:
                        self._hear(db, ready)
            except JournalError as error:
                self.problem = str(error)
            finally:
                self._store.leads = False
            if not self._stopping:
                threading.Event().wait(LOOK_S / 5)

    def _hear(self, db: Any, ready: selectors.BaseSelector) -> None:
        if self.stands and not self._store.leads:
            [row] = db.execute(
                f"SELECT pg_try_advisory_lock({self._store.database.key}, {LEAD}) AS mine"
            ).fetchall()
            if row["mine"]:
                self._store.leads = True
                self._tell_all()
        told = [key.fileobj for key, _ in ready.select(LOOK_S)]
        if self._asked in told:
            self._asked.recv(100)
        for notice in db.notifies(timeout=0):
            by, _, changed = notice.payload.partition(" ")
            if by != self._store.name:
                self._take(changed)

    def _take(self, changed: str) -> None:
        namespace, _, listings = changed.partition(" ")
        if namespace:
            self._waiters.wake(namespace, *listings.split(" "))
        self.captured()
        with self.heard:
            self.heard.notify_all()

    def _tell_all(self) -> None:
        self._waiters.wake_all()
        self.captured()
        with self.heard:
            self.heard.notify_all()
