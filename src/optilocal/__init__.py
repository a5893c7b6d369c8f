"""optilocal: a local test harness and mock Optimizely for Segment events. Why was this conversion not counted?

This folder is the one import package. In the repository its rooms are links to the folders at the top level; the wheel
holds the files themselves. So an installed optilocal, an editable install, a checkout and mypy see the same names.

`optilocal.sandbox(…)` is imported when it is first used: `import optilocal` alone loads nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optilocal.scenarios.sandbox.sandbox import Sandbox, sandbox

__all__ = ["Sandbox", "__version__", "sandbox"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("Sandbox", "sandbox"):
        from optilocal.scenarios.sandbox import sandbox as module  # noqa: PLC0415 - the servers are slow to import

        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
