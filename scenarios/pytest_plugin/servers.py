"""The servers behind one pytest process: started when something first needs them, stopped when pytest ends."""

from __future__ import annotations

import os

import pytest

from optilocal.scenarios.sandbox.servers import LazyServers

_KEY = pytest.StashKey[LazyServers]()


def servers_of(config: pytest.Config) -> LazyServers:
    """This process's servers; `$OPTILOCAL_EMULATOR` names a running emulator to be used in place of its own."""
    if _KEY not in config.stash:
        servers = LazyServers(os.environ.get("OPTILOCAL_EMULATOR") or None)
        config.stash[_KEY] = servers
        config.add_cleanup(servers.close)
    return config.stash[_KEY]
