"""The program that listens on a port, where the system shows it."""

from __future__ import annotations

from pathlib import Path

_LISTENS = "0A"


def holder_of(port: int) -> str | None:
    """`NAME (process ID)` of the program that listens on a TCP port of this machine; None where it is not known.

    Linux shows the programs of the same user, and root sees all: /proc/net/tcp, `man 5 proc`.
    """
    sockets = _listening(port)
    if not sockets:
        return None
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and _has_one(process / "fd", sockets):
            try:
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
            except OSError:
                continue
            return f"{name} (process {process.name})"
    return None


def _listening(port: int) -> set[str]:
    """The sockets that listen on a port, by the names of open files in /proc."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == _LISTENS and int(columns[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{columns[9]}]")
    return sockets


def _has_one(files: Path, sockets: set[str]) -> bool:
    try:
        return any(str(file.readlink()) in sockets for file in files.iterdir())
    except OSError:
        # Another user's process, one that has ended, or a file that was closed meanwhile.
        return False
