"""Opens the spool at an address: a file is SQLite's, `postgresql://…` a database."""

from __future__ import annotations

from pathlib import Path

from optilocal.forwarder.store.spool import Spool


def open_spool(where: Path | str | None) -> Spool:
    """The spool in a file or at a database's address; None is a temporary file. Raises `SpoolError`."""
    if isinstance(where, str):
        from optilocal.forwarder.store.postgresql import PostgresqlSpool  # noqa: PLC0415 - slow to import

        return PostgresqlSpool(where)
    from optilocal.forwarder.store.sqlite import SqliteSpool  # noqa: PLC0415 - who shares a database has no need of it

    return SqliteSpool(where)
