"""Files with what users sent: a new one can be read and written by its owner alone."""

import os
from pathlib import Path


def write_private(file: Path, text: str, mode: str = "w") -> None:
    """Writes a text in UTF-8 into a new file with mode 0600, or into a file that is there, whose mode stays.

    `mode` is `open`'s: w, or a to add the text at the end. A lone surrogate is spelt as JSON spells it. Raises OSError.
    """
    with open(file, mode, encoding="utf-8", errors="backslashreplace", opener=_opened) as stream:
        stream.write(text)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
