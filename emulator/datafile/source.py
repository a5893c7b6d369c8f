"""Datafiles named at the start: a file is served anew when it changes, a URL is fetched once and kept."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from optilocal.emulator.datafile.datafile import DatafileError
from optilocal.emulator.datafile.store import Content, DatafileStore, read_content
from optilocal.emulator.journal.journal import Journal
from optilocal.serving.namespaces import DEFAULT

_EVERY = 0.3
_TIMEOUT = 10
_FETCHED = "fetched datafile"


class DatafileSources:
    """The files and URLs whose datafiles the namespace `default` serves.

    `now` is that namespace's time (epoch milliseconds); `report` takes one line for whoever started the emulator.
    """

    def __init__(
        self,
        sources: tuple[str, ...],
        journal: Journal,
        *,
        now: Callable[[], int],
        report: Callable[[str], None],
    ) -> None:
        self._sources, self._journal = sources, journal
        self._now, self._report = now, report
        self._store = DatafileStore(journal, DEFAULT)
        self._keys: dict[str, str] = {}
        self._seen: dict[str, tuple[int, int] | None] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self) -> None:
        """Serve them all. Raises DatafileError, one line, for one that cannot be read or is not a datafile, or when two of
        them would be served under one key.
        """
        read: dict[str, Content] = {}
        for source in self._sources:
            if not _is_url(source):
                self._seen[source] = _stamp(source)
            content = self._content(source)
            if content is not None:
                read[source] = content
        self._keys = sdk_keys({source: content.datafile or {} for source, content in read.items()})
        for source, content in read.items():
            key = self._put(source, content)
            if _is_url(source):
                self._keep(source, key)
            if not (content.datafile or {}).get("sdkKey"):
                self._report(f"{source} has no sdkKey: it is served as {', '.join(_addresses(key, content))}")

    def _content(self, source: str) -> Content | None:
        """What a source holds; None for a URL that is not reached when a kept journal has its datafile from before."""
        if not _is_url(source):
            return _checked(source, _read(source))
        try:
            text = _fetched(source)
        except DatafileError as error:
            fetched = self._journal.document(_FETCHED, DEFAULT, source)
            if fetched is None or self._store.get(fetched["sdk_key"]) is None:
                raise
            self._report(f"{error}; the one kept in the journal is served")
            return None
        return _checked(source, text)

    def _keep(self, url: str, key: str) -> None:
        self._journal.change_document(_FETCHED, DEFAULT, lambda _: {"sdk_key": key}, url)

    def _put(self, source: str, content: Content) -> str:
        key = str((content.datafile or {}).get("sdkKey") or self._keys[source])
        _, warnings = self._store.put(key, content, self._now())
        for warning in warnings:
            self._report(f"{source}: {warning['message']}")
        return key

    def watch(self) -> None:
        """Look at the files in a thread from now on."""
        if self._seen:
            self._thread = threading.Thread(target=self._watch, name="datafiles", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        while not self._stopping.wait(_EVERY):
            for file, seen in self._seen.items():
                now = _stamp(file)
                if now in (None, seen):
                    continue
                self._seen[file] = now
                try:
                    self._put(file, _checked(file, _read(file)))
                except DatafileError as error:
                    # A file that is just being saved is looked at again; the last good one goes on being served.
                    self._report(f"{error}; the one read before is still served")

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        if self._thread:
            self._thread.join()


def sdk_keys(datafiles: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Source, a file or a URL, → the key its datafile is served under: its own sdkKey, else its project's id.

    Datafiles of one project without an sdkKey are told apart by their environmentKey, where each has one of its own,
    else by the name of their file: `<project>_<name>`. Raises DatafileError when two would have one key.
    """
    keys: dict[str, str] = {}
    projects: dict[str, list[str]] = {}
    for source, datafile in datafiles.items():
        if datafile.get("sdkKey"):
            keys[source] = str(datafile["sdkKey"])
        else:
            projects.setdefault(str(datafile["projectId"]), []).append(source)
    for project, sources in projects.items():
        environments = {source: datafiles[source].get("environmentKey") for source in sources}
        told_apart = all(environments.values()) and len(set(environments.values())) == len(sources)
        for source in sources:
            name = str(environments[source]) if told_apart else Path(urlsplit(source).path).stem
            keys[source] = project if len(sources) == 1 else f"{project}_{name}"
    for key in keys.values():
        both = [source for source in keys if keys[source] == key]
        if len(both) > 1:
            raise DatafileError(
                f"{' and '.join(both)} would both be served as {key!r}, the later instead of the earlier: give each an"
                " sdkKey or environmentKey of its own, or, without one, a file name of its own"
            )
    return keys


def _addresses(key: str, content: Content) -> list[str]:
    """Where the CDN serves a datafile without an sdkKey."""
    datafile = content.datafile or {}
    project = str(datafile.get("projectId"))
    older = (
        f"s/{key.removeprefix(f'{project}_')}" if key != project else f"datafile_v{datafile.get('version')}"
    )
    return [f"/datafiles/{key}.json", f"/public/{project}/{older}.json"]


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _checked(source: str, text: str) -> Content:
    try:
        return read_content(text, raw=False)
    except DatafileError as error:
        raise DatafileError(f"{source}: {error}") from None


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _read(file: str) -> str:
    try:
        # A byte order mark, as some editors leave one, is not part of the JSON.
        return Path(file).read_text("utf-8-sig")
    except OSError as error:
        raise DatafileError(f"the datafile {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DatafileError(f"the datafile {file} is not UTF-8 text") from None


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
