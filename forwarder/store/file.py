"""Whether a file may be used as a spool: judged by its first bytes, before anything opens or changes it."""

from __future__ import annotations

from pathlib import Path

SQLITE_HEADER = b"SQLite format 3\x00"
HEADER_BYTES = 100
VERSION_AT = 60
APPLICATION_AT = 68
APPLICATION_ID = 0x4F50_5350
VERSION = 1
FORMATS = (b"\1\1\0\x40\x20\x20", b"\2\2\0\x40\x20\x20")

SCHEMA = f"""
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, id TEXT NOT NULL UNIQUE, message_id TEXT,
    type TEXT NOT NULL, outcome TEXT NOT NULL, regulation TEXT, due INTEGER, state TEXT NOT NULL, report TEXT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (due, number) WHERE due IS NOT NULL;
CREATE INDEX deliveries_listed ON deliveries (namespace, number);
CREATE INDEX deliveries_by_message ON deliveries (message_id);
CREATE INDEX deliveries_by_regulation ON deliveries (regulation) WHERE regulation IS NOT NULL;
CREATE TABLE message_ids (
    namespace TEXT NOT NULL, message_id TEXT NOT NULL, delivery TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (namespace, message_id)
) WITHOUT ROWID;
CREATE INDEX message_ids_at ON message_ids (at);
CREATE TABLE suppressed (
    number INTEGER PRIMARY KEY, namespace TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, at INTEGER NOT NULL,
    UNIQUE (namespace, kind, subject)
);
CREATE TABLE regulations (
    number INTEGER PRIMARY KEY, namespace TEXT NOT NULL, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL
);
CREATE TABLE configurations (namespace TEXT PRIMARY KEY, record TEXT NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""


class SpoolError(Exception):
    """The spool cannot be used: one line that says which file, why, and what to do."""


def check_spool_file(path: Path) -> bool:
    """Accepts a file that is a spool of this version, an empty one, and one that is not there yet; whether its first
    bytes are as they were written.

    Raises `SpoolError` otherwise; nothing is written.
    """
    advice = "name another file or move this one away"
    if path.is_dir():
        raise SpoolError(f"the spool {path} is a folder; name a file")
    if not path.parent.is_dir():
        raise SpoolError(f"the spool's folder {path.parent} does not exist; create it or name another file")
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise SpoolError(f"the spool {path} cannot be read: {error.strerror}; {advice}") from None
    if not header:
        return True
    header = header.ljust(HEADER_BYTES, b"\0")
    ours = _number(header, APPLICATION_AT) == APPLICATION_ID
    if not header.startswith(SQLITE_HEADER):
        if ours and _number(header, VERSION_AT) == VERSION:
            return False
        raise SpoolError(f"{path} is not a spool and was left as it is; {advice}")
    if not ours:
        raise SpoolError(f"{path} is a database of something else and was left as it is; {advice}")
    version = _number(header, VERSION_AT)
    if version != VERSION:
        raise SpoolError(
            f"the spool {path} has version {version} and this forwarder writes version {VERSION}; {advice}"
        )
    # What never changes in a spool's header: file formats, fractions, schema format, encoding.
    return (header[18:24] in FORMATS, header[44:48], header[56:60]) == (True, b"\0\0\0\4", b"\0\0\0\1")


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "big")
