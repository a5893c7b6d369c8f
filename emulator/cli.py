"""`python -m optilocal.emulator`: one emulator, until Ctrl-C."""

import os
import sys
from collections.abc import Sequence

from optilocal.emulator.datafile.datafile import DatafileError
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.server import EmulatorServer, ServerError
from optilocal.emulator.settings import read_settings
from optilocal.serving.log import log
from optilocal.serving.options import OptionsError
from optilocal.serving.server import serve_alone


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. 0 when stopped, 2 when it could not serve: one line on stderr says why."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        server = EmulatorServer(settings).start()
    except (OptionsError, JournalError, DatafileError, ServerError) as error:
        log("emulator", error, "error")
        return 2
    serve_alone()
    # Whoever reads the address may send a signal at once.
    server.serve_forever(lambda: print(f"emulator  {server.base_url}", flush=True))
    return 0
