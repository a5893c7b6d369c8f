"""The servers behind one pytest process: started when something first needs them, stopped when pytest ends."""

from __future__ import annotations

import os

import pytest

from optilocal.scenarios.sandbox.servers import Servers

_KEY = pytest.StashKey[Servers]()


def servers_of(config: pytest.Config) -> Servers:
    """This process's servers; `$OPTILOCAL_EMULATOR` names a running emulator to be used in place of its own."""
    if _KEY not in config.stash:
        servers = Servers(os.environ.get("OPTILOCAL_EMULATOR") or None)
        config.stash[_KEY] = servers
        config.add_cleanup(servers.close)
    return config.stash[_KEY]
