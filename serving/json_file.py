"""A JSON file that a user names: its content, or one line that says why there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_json_file(file: Path, what: str) -> Any:
    """The content of a file in UTF-8, with or without a byte order mark.

    Raises ValueError with one line that begins with `what` ("the settings file", …) and the file's name.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{what} {file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} {file} is not valid JSON: {error}") from None
