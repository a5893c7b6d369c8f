"""The errors of the forwarder's own addresses, in one table."""

from collections.abc import Mapping
from typing import ClassVar

from optilocal.serving import problems


class Problem(problems.Problem):
    """An error of the table: its code, and one sentence that says what is wrong, where, and what to do."""

    statuses: ClassVar[Mapping[str, int]] = {
        **problems.COMMON,
        "invalid_settings": 400,
        "invalid_mappings": 400,
        "invalid_platform": 400,
        "invalid_preview": 400,
        "invalid_trigger": 400,
        "unknown_delivery": 404,
        "overloaded": 429,
        "spool_failed": 503,
    }
