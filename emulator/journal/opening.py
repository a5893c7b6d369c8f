"""Which journal an address means: a file is SQLite's, `postgresql://…` a database's."""

from pathlib import Path

from optilocal.emulator.journal.interface import Journal


def open_journal(
    where: Path | str | None, *, max_rows: int = 1_000_000, max_bytes: int | None = None
) -> Journal:
    """The journal in a file, in a temporary one for None, or at an address. Raises JournalError."""
    if isinstance(where, str):
        from optilocal.emulator.journal.postgresql import PostgresqlJournal  # noqa: PLC0415 - slow to import

        return PostgresqlJournal(where, max_rows=max_rows, max_bytes=max_bytes)
    from optilocal.emulator.journal.sqlite import SqliteJournal  # noqa: PLC0415 - who shares a database has no need of it

    return SqliteJournal(where, max_rows=max_rows, max_bytes=max_bytes)
