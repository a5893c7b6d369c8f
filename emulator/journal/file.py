"""The file a journal lives in: whose it is, by its first hundred bytes, before anything opens or changes it."""

import struct
from collections.abc import Mapping
from pathlib import Path

APPLICATION_ID = 0x4F50_4C4F
VERSION = 4
_MAGIC = b"SQLite format 3\0"


def _statements() -> dict[str, str]:
    text = Path(__file__).with_name("journal.sql").read_text("utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): text.strip() for name, _, text in parts}


# The statements of `journal.sql` by name; the journal alone runs them.
STATEMENTS: Mapping[str, str] = _statements()


class JournalError(Exception):
    """The journal cannot be used; the text is one line that says which file, why and what to do."""


def is_new(path: Path) -> bool:
    """Whether there is nothing yet at `path`.

    Raises JournalError for a folder, for a file that is no journal of ours, and for one of another version.
    """
    elsewhere = "name another file, or move this one away"
    if path.is_dir():
        raise JournalError(f"the journal {path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise JournalError(f"the journal {path} is no file; {elsewhere}")
    if not path.parent.is_dir():
        raise JournalError(
            f"the journal's folder {path.parent} does not exist; create it or name another file"
        )
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise JournalError(f"the journal {path} cannot be read: {error.strerror}; {elsewhere}") from None
    if not head:
        return True
    if not head.startswith(_MAGIC) or len(head) < 100:
        raise JournalError(f"{path} is no journal of the emulator, nothing in it was changed; {elsewhere}")
    # Places of user_version and application_id in SQLite's database header.
    version, application_id = struct.unpack_from(">I", head, 60)[0], struct.unpack_from(">I", head, 68)[0]
    if application_id != APPLICATION_ID:
        raise JournalError(f"{path} is another program's database, nothing in it was changed; {elsewhere}")
    if version != VERSION:
        raise JournalError(
            f"the journal {path} is of version {version}, this emulator writes version {VERSION};"
            f" nothing in it was changed; {elsewhere}"
        )
    return False
