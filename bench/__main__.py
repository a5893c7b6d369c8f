"""`python -m bench`: every bench, one after another, then the page. `make bench` is this."""

from __future__ import annotations

import importlib
import sys
import traceback

from bench import report
from bench.options import prepared, read, run


def main() -> int:
    """0 when each bench found something, 1 when one did not; what could not be had is in its record."""
    options = read()
    with prepared():
        failed = []
        for name in report.ORDER:
            bench = importlib.import_module(f"bench.{name}")
            try:
                record = run(bench.name_of(options) if name == "steady" else name, bench.measure, options)
            except Exception:  # a defect of one bench must not cost the others' hour
                traceback.print_exc()
                failed.append(name)
                continue
            if not record.figures:
                failed.append(name)
        print(f"written: {report.write(options)}")
    if failed:
        print(f"bench: nothing was measured by {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
