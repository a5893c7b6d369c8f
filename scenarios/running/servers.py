"""Emulator and forwarder in this process: started together, stopped together."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from optilocal.emulator.context import Recorder
from optilocal.emulator.datafile.datafile import DatafileError
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings as EmulatorSettings
from optilocal.forwarder.pipeline.mappings import odd_triggers
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings
from optilocal.forwarder.store.file import SpoolError
from optilocal.scenarios.language.datafiles import cdn_url
from optilocal.scenarios.language.problems import CannotRun


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What `optilocal up` takes. Port 0 is any free port; `datafiles` are files or URLs, served under their sdkKey.

    Without a `spool` the forwarder's is FILE.spool beside a `journal` FILE, in the same database as one in PostgreSQL, and
    goes with the process where there is no journal either.
    """

    host: str = "127.0.0.1"
    emulator_port: int = 8410
    forwarder_port: int = 8411
    datafiles: tuple[str, ...] = ()
    settings: Path | None = None
    journal: Path | str | None = None
    spool: Path | str | None = None
    write_keys: tuple[str, ...] = ()
    analytics_js: Path | str | None = None


class LocalServers:
    """A running emulator and, when asked for, a running forwarder, as a context manager.

    Raises CannotRun when one of them cannot be started; nothing is left running then.
    """

    def __init__(self, options: ServerOptions, *, with_forwarder: bool) -> None:
        self._options, self._with_forwarder = options, with_forwarder
        self._emulator: EmulatorServer | None = None
        self._forwarder: ForwarderServer | None = None

    @property
    def emulator_url(self) -> str:
        """`http://HOST:PORT` of the emulator."""
        assert self._emulator is not None
        return self._emulator.base_url

    def ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the emulator's answer, asked without the network."""
        assert self._emulator is not None
        return self._emulator.ask(method, target, body, headers)

    @property
    def forwarder_url(self) -> str:
        """`http://HOST:PORT` of the forwarder."""
        assert self._forwarder is not None
        return self._forwarder.base_url

    def record_with(self, recorder: Recorder) -> None:
        """From now on the viewer records scenarios by this."""
        assert self._emulator is not None
        self._emulator.record_with(recorder)

    def __enter__(self) -> Self:
        options = self._options
        try:
            self._emulator = EmulatorServer(
                EmulatorSettings(
                    host=options.host,
                    port=options.emulator_port,
                    journal=options.journal,
                    datafiles=options.datafiles,
                ),
                port_option="--emulator-port",
            ).start()
            if self._with_forwarder:
                self._forwarder = ForwarderServer(
                    self._forwarder_settings(), port_option="--forwarder-port"
                ).start()
                self._emulator.speak_to(self.forwarder_url)
        except (OSError, ValueError, DatafileError, JournalError, SpoolError) as error:
            self.stop()
            raise CannotRun(_line(error)) from None
        except BaseException:
            self.stop()
            raise
        return self

    def _forwarder_settings(self) -> ServerSettings:
        options = self._options
        served = json.loads(self.ask("GET", "/_emulator/datafiles", b"", {})[1])["datafiles"]
        settings = ServerSettings.load(
            options.settings,
            host=options.host,
            port=options.forwarder_port,
            optimizely=self.emulator_url,
            spool=options.spool or _spool_beside(options.journal),
            write_keys=options.write_keys,
            analytics_js=options.analytics_js,
            usual=usual_destination(served),
        )
        for note in odd_triggers(settings.mappings):
            sys.stderr.write(f"forwarder: {options.settings}: {note}\n")
        return settings

    def stop(self) -> None:
        """Stop what runs; a second time does nothing."""
        if self._forwarder:
            self._forwarder.stop()
        if self._emulator:
            self._emulator.stop()

    def __exit__(self, *_: object) -> None:
        self.stop()


def usual_destination(datafiles: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of a destination that names none: URL and account of the first datafile that the emulator serves.

    `datafiles` are rows of `GET /_emulator/datafiles`.
    """
    settings: dict[str, Any] = {}
    for served in datafiles[:1]:
        settings["dataFileUrl"] = cdn_url(served["sdkKey"])
        account = str((served["datafile"] or {}).get("accountId") or "")
        settings |= {"accountId": account} if account else {}
    return settings


def _spool_beside(journal: Path | str | None) -> Path | str | None:
    """Where the forwarder keeps what it accepted: beside the journal, so that both outlive the process or neither."""
    if isinstance(journal, str):
        # Another schema of the same database: by its own name, or after the one that was given.
        return re.sub(r"([?&]schema=)([^&]+)", r"\1\2_spool", journal)
    return journal.with_name(f"{journal.name}.spool") if journal else None


def _line(error: Exception) -> str:
    return str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)
