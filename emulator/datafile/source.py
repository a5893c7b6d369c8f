"""Datafiles named at the start: a file is served anew when it changes, a URL is fetched once and kept."""

import sys
import threading
from pathlib import Path

from optilocal.emulator.context import Context
from optilocal.emulator.datafile.datafile import DatafileError
from optilocal.emulator.datafile.store import DatafileStore, Given, read_given
from optilocal.emulator.namespaces import DEFAULT

_EVERY = 0.3
_TIMEOUT = 10
_KEPT = "fetched datafile"


class DatafileSources:
    """The files and URLs whose datafiles the namespace `default` serves."""

    def __init__(self, parts: Context, sources: tuple[str, ...]) -> None:
        self._parts = parts
        self._sources = sources
        self._store = DatafileStore(parts.journal, DEFAULT)
        self._seen: dict[Path, tuple[int, int] | None] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self) -> None:
        """Serve them all. Raises DatafileError, one line, for one that cannot be read or is no datafile."""
        for source in self._sources:
            if source.startswith(("http://", "https://")):
                self._load_url(source)
            else:
                path = Path(source)
                self._seen[path] = _stamp(path)
                self._put(source, _read(path))

    def _load_url(self, url: str) -> None:
        """Fetch a datafile; offline, the one that a kept journal holds from before is served on."""
        journal = self._parts.journal
        try:
            text = _fetched(url)
        except DatafileError as error:
            kept = journal.document(_KEPT, DEFAULT, url)
            if kept is None or self._store.get(kept["sdk_key"]) is None:
                raise
            self._say(f"{error}; the one kept in the journal is served")
            return
        key = self._put(url, text)
        journal.change_document(_KEPT, DEFAULT, lambda _: {"sdk_key": key}, url)

    def _put(self, source: str, text: str) -> str:
        try:
            given = read_given(text, raw=False)
        except DatafileError as error:
            raise DatafileError(f"{source}: {error}") from None
        key = sdk_key(given, source)
        _, warnings = self._store.put(key, given, self._parts.now(DEFAULT))
        for warning in warnings:
            self._say(f"{source}: {warning['message']}")
        return key

    @staticmethod
    def _say(text: str) -> None:
        sys.stderr.write(f"emulator: {text}\n")

    def watch(self) -> None:
        """Look at the files in a thread from now on."""
        if self._seen:
            self._thread = threading.Thread(target=self._watch, name="datafiles", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while not self._stopping.wait(_EVERY):
            for path, seen in self._seen.items():
                now = _stamp(path)
                if now in (None, seen):
                    continue
                self._seen[path] = now
                try:
                    self._put(str(path), _read(path))
                except DatafileError as error:
                    # A file that is just being saved is looked at again; the last good one goes on being served.
                    self._say(f"{error}; the one read before is still served")

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        if self._thread:
            self._thread.join()


def sdk_key(given: Given, source: str) -> str:
    """The key a datafile is served under: its own, else its project's id, else its file's name."""
    datafile = given.datafile or {}
    return str(datafile.get("sdkKey") or datafile.get("projectId") or Path(source).stem)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(path: Path) -> str:
    try:
        # A byte order mark, as some editors leave one, is no part of the JSON.
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise DatafileError(f"the datafile {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DatafileError(f"the datafile {path} is no UTF-8 text") from None


def _fetched(url: str) -> str:
    import requests  # noqa: PLC0415 - slow to import, and needed for a URL alone

    from optilocal.serving.loopback import session_for  # noqa: PLC0415

    try:
        with session_for(url) as session:
            answer = session.get(url, timeout=_TIMEOUT)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise DatafileError(
            f"the datafile {url} cannot be fetched: {type(error).__name__}: {error}"
        ) from None
    return answer.content.decode("utf-8", "replace")
