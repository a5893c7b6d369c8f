"""Damage to a SQLite file and its log, at a random place."""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

KINDS = ("flip", "zero", "cut")
PAGE = 4_096


@dataclass(frozen=True)
class Files:
    """A database and its write-ahead log, and what was done to them: how many pages at most were hit, how many bytes cut."""

    database: bytes
    log: bytes
    pages: int = 0
    cut_off: int = 0
    log_is_shorter: bool = False

    @staticmethod
    def read(path: Path) -> "Files":
        return Files(path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes())

    def write(self, path: Path) -> Path:
        path.write_bytes(self.database)
        path.with_name(f"{path.name}-wal").write_bytes(self.log)
        path.chmod(0o600)
        return path


def damaged(files: Files, kind: str, random: Random) -> Files:
    """The files with one bit flipped, with `PAGE` bytes of zeros, or with one of them cut off."""
    name = random.choice(("database", "log"))
    content = bytearray(getattr(files, name))
    at = random.randrange(len(content))
    if kind == "cut":
        left = bytes(content[:at])
        return replace(files, **{name: left}, cut_off=len(content) - at, log_is_shorter=name == "log")
    if kind == "flip":
        content[at] ^= 1 << random.randrange(8)
        return replace(files, **{name: bytes(content)}, pages=1)
    end = min(len(content), at + PAGE)
    content[at:end] = bytes(end - at)
    return replace(files, **{name: bytes(content)}, pages=2)
