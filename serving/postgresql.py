"""One schema of a PostgreSQL database: its creation, its connections, and its failures, each as one line."""

from __future__ import annotations

import contextlib
import logging
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    import psycopg
    from psycopg_pool import ConnectionPool

PREFIXES = ("postgresql://", "postgres://")
CONNECTIONS = 20
"""The most connections of one server: one for each thread that answers, and some for background work."""
PATIENCE_S = 2.0
"""Seconds to wait for a connection; after that the request fails and the client has to come back."""

# In milliseconds: how long one statement may wait for a lock, and how long a transaction may stand idle: a server that
# hangs in the middle of one must not keep the others from writing.
_LOCK_MS, _IDLE_MS = 10_000, 5_000
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_OLDEST = 120_000
_SET_UP = 1


def is_address(text: str) -> bool:
    """Whether a text names a PostgreSQL database, `postgresql://…`."""
    return text.startswith(PREFIXES)


@dataclass(frozen=True)
class Made:
    """The content of a schema: its `program` (a few words), the statements that create it, and `migrations`: those of
    place 0 turn a schema of version 1 into one of version 2, and so on.
    """

    program: str
    statements: str
    migrations: Sequence[str] = ()

    @property
    def version(self) -> int:
        """The version that this program writes."""
        return 1 + len(self.migrations)


class Database:
    """A schema of the database at `url`, `postgresql://USER:PASSWORD@HOST:PORT/NAME?schema=SCHEMA`.

    `what` it is kept for and `schema`, its usual name, come from the server. What fails raises `failed`, or `away` when
    it may be better later: each is one line, without the password. The schema is made when it is not there, and migrated
    when it is of an older version; one of a newer version, or that holds anything else, is refused and left as it is.
    `adapt` is called with each new connection.
    """

    def __init__(
        self,
        url: str,
        made: Made,
        *,
        what: str,
        schema: str,
        failed: type[Exception],
        away: type[Exception],
        adapt: Callable[[psycopg.Connection[Any]], None] = lambda _: None,
    ) -> None:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.schema = query.pop("schema", schema)
        host = parts.netloc.rpartition("@")[2]
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        self.shown = f"{parts.scheme}://{user}{'@' if user else ''}{host}{parts.path}"
        self._what, self._failed, self._away, self._adapt = what, failed, away, adapt
        if not _SCHEMA.fullmatch(self.schema) or self.schema.startswith("pg_"):
            raise failed(
                f"the {what}'s schema {self.schema!r:.60} has no name for one: use up to 48 of a-z, 0-9 and _,"
                " not beginning with pg_ or a digit"
            )
        try:
            import psycopg  # noqa: PLC0415 - only who keeps anything in PostgreSQL has it
            import psycopg_pool  # noqa: PLC0415
        except ImportError:
            raise failed(
                f"the {what} {self.shown} needs psycopg, which is not installed: pip install 'optilocal[postgresql]'"
            ) from None
        # `away` reports a database that cannot be reached, so the pool does not log it.
        logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())
        self._errors = psycopg
        self.key = zlib.crc32(f"optilocal {self.schema}".encode()) >> 1
        """The first half of every advisory lock of this schema."""
        address = urlunsplit(parts._replace(query=urlencode(query)))
        try:
            self._options = self._connecting(address)
        except psycopg.Error as error:
            raise failed(f"the {what}'s address {self.shown} cannot be read: {one_line(error)}") from None
        self._set_up(made)
        self._pool: ConnectionPool[Any] = psycopg_pool.ConnectionPool(
            kwargs=self._options,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=PATIENCE_S,
            reconnect_timeout=1.0,
            configure=adapt,
            open=False,
        )
        self._pool.open()

    def _connecting(self, address: str) -> dict[str, Any]:
        """The arguments of every connection."""
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

        given = conninfo_to_dict(address)
        settings = {
            "search_path": f'"{self.schema}"',
            "lock_timeout": _LOCK_MS,
            "idle_in_transaction_session_timeout": _IDLE_MS,
            # A machine that is gone holds its locks no longer than this.
            "tcp_keepalives_idle": 1,
            "tcp_keepalives_interval": 1,
            "tcp_keepalives_count": 2,
        }
        ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
        return {
            "connect_timeout": 2,
            "tcp_user_timeout": 5_000,
            "keepalives_idle": 2,
            "keepalives_interval": 1,
            "keepalives_count": 3,
            "application_name": f"optilocal {self._what}",
            **given,
            "options": f"{given.get('options') or ''} {ours}".strip(),
            "autocommit": True,
        }

    # -- the schema

    def _set_up(self, made: Made) -> None:
        try:
            db = self._errors.Connection.connect(**self._options)
        except self._errors.OperationalError as error:
            raise self._failed(
                f"the {self._what} {self.shown} cannot be reached: {one_line(error)}; check that the database is there, its"
                " address, user and password"
            ) from None
        with db, self.named_errors():
            if db.info.parameter_status("server_encoding") != "UTF8" or db.info.server_version < _OLDEST:
                raise self._failed(
                    f"the {self._what} {self.shown} needs PostgreSQL 12 or newer and a database in the encoding UTF8"
                )
            # Several servers may start at once; the first creates or migrates the schema.
            db.execute(f"SELECT pg_advisory_lock({self.key}, {_SET_UP})")
            try:
                with db.transaction():
                    self._make(db, made)
            except self._errors.errors.InsufficientPrivilege as error:
                raise self._failed(
                    f"the {self._what} {self.shown} cannot be set up: {one_line(error)}; let its user create schemas with"
                    f" GRANT CREATE ON DATABASE, or create the schema {self.schema} for it"
                ) from None

    def _make(self, db: psycopg.Connection[Any], made: Made) -> None:
        elsewhere = "nothing in it was changed; name another schema with ?schema=NAME"
        found = db.execute(
            "SELECT to_regclass(%s), (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace(%s))",
            (f"{self.schema}.about", self.schema),
        ).fetchone()
        about, tables = found or (None, 0)
        if not tables:
            db.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
            db.execute("CREATE TABLE about (program TEXT NOT NULL, version INTEGER NOT NULL)")
            db.execute("INSERT INTO about VALUES (%s, %s)", (made.program, made.version))
            db.execute(made.statements)
            return
        kept = None
        if about is not None:
            with contextlib.suppress(self._errors.errors.UndefinedColumn), db.transaction():
                kept = db.execute("SELECT program, version FROM about").fetchone()
        if kept is None or kept[0] != made.program:
            raise self._failed(
                f"the schema {self.schema} of {self.shown} holds something else than the {self._what}, {elsewhere}"
            )
        if not 1 <= kept[1] <= made.version:
            raise self._failed(
                f"the {self._what} {self.shown}, schema {self.schema}, is of version {kept[1]}, this optilocal writes"
                f" version {made.version} and reads older ones; {elsewhere}, or upgrade optilocal"
            )
        for version in range(kept[1], made.version):
            db.execute(made.migrations[version - 1])
            db.execute("UPDATE about SET version = %s", (version + 1,))

    # -- connections

    def connect(self) -> psycopg.Connection[Any]:
        """A separate connection, for a listener. Raises `away`."""
        with self.named_errors():
            db: psycopg.Connection[Any] = self._errors.Connection.connect(**self._options)
            self._adapt(db)
            return db

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection for statements, each with its own commit unless they contain BEGIN and COMMIT."""
        db = None
        try:
            with self.named_errors(), self._pool.connection() as db:
                yield db
        finally:
            if db is not None and db.broken and not self._pool.closed:
                # The pool's other connections are as old, and broken too.
                self._pool.check()

    @contextlib.contextmanager
    def transaction(self, *locks: int) -> Iterator[psycopg.Connection[Any]]:
        """A transaction that holds these advisory locks, given by the second halves of their keys."""
        with self.connection() as db, self._undone(db):
            db.execute("; ".join(self._begin(locks)), prepare=False)
            yield db
            db.execute("COMMIT")

    @contextlib.contextmanager
    def pipelined(
        self, *locks: int, durable: bool = True
    ) -> Iterator[tuple[psycopg.Connection[Any], Callable[[], None]]]:
        """The same of statements that go out together: what is called waits for the results of those before it; all are
        there at the end. One that is not `durable` may be lost with the database's next crash, until anything durable is
        committed after it.
        """
        with self.connection() as db, self._undone(db), db.pipeline() as pipeline:
            for statement in self._begin(locks):
                db.execute(statement)
            if not durable:
                db.execute("SET LOCAL synchronous_commit = off")
            yield db, pipeline.sync
            db.execute("COMMIT")

    def _begin(self, locks: Sequence[int]) -> list[str]:
        return ["BEGIN", *(f"SELECT pg_advisory_xact_lock({self.key}, {each})" for each in locks)]

    @contextlib.contextmanager
    def _undone(self, db: psycopg.Connection[Any]) -> Iterator[None]:
        """Roll back what fails."""
        try:
            yield
        except BaseException:
            if not db.broken:
                with contextlib.suppress(self._errors.Error):
                    db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def named_errors(self) -> Iterator[None]:
        """Raise PostgreSQL's errors as the server's own errors."""
        try:
            yield
        except (
            self._errors.OperationalError,
            self._errors.InterfaceError,
            self._errors.errors.ReadOnlySqlTransaction,
        ) as error:
            raise self._away(f"the {self._what} {self.shown} cannot be used now: {one_line(error)}") from None
        except self._errors.Error as error:
            raise self._failed(f"the {self._what} {self.shown} failed: {one_line(error)}") from None

    def close(self) -> None:
        """Close every connection; a second call does nothing."""
        self._pool.close(timeout=1.0)


def one_line(error: psycopg.Error) -> str:
    """PostgreSQL's text of a failure, in one line."""
    text = " ".join(str(error.diag.message_primary or error).split())
    return text.removeprefix("connection failed: ") or type(error).__name__
